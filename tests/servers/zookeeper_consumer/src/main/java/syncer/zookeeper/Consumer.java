package syncer.zookeeper;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.client.discovery.DiscoveryClient;

/** Tells as one line of JSON what it finds: `curator ADDRESS BASE`, or `spring ADDRESS BASE`. */
@SpringBootApplication
public class Consumer {

    public static void main(String[] args) throws Exception {
        Map<String, Object> found = args[0].equals("spring") ? spring(args[1], args[2]) : curator(args[1], args[2]);
        System.out.println(new ObjectMapper().writeValueAsString(found));
        System.exit(0);
    }

    /** Curator's service discovery: all instances of each service, and the ids that a provider would choose from. */
    static Map<String, Object> curator(String address, String base) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(address, new RetryOneTime(100));
        client.start();
        ServiceDiscovery<Object> discovery =
                ServiceDiscoveryBuilder.builder(Object.class).client(client).basePath(base).build();
        discovery.start();
        Map<String, Object> found = new LinkedHashMap<>();
        for (String name : discovery.queryForNames()) {
            List<Object> instances = new ArrayList<>();
            for (ServiceInstance<Object> one : discovery.queryForInstances(name)) {
                Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("name", one.getName());
                fields.put("id", one.getId());
                fields.put("address", one.getAddress());
                fields.put("port", one.getPort());
                fields.put("sslPort", one.getSslPort());
                fields.put("enabled", one.isEnabled());
                fields.put("type", one.getServiceType().name());
                fields.put("payload", one.getPayload());
                fields.put("uri", one.buildUriSpec());
                instances.add(fields);
            }
            ServiceProvider<Object> provider = discovery.serviceProviderBuilder().serviceName(name).build();
            provider.start();
            List<String> provided = new ArrayList<>();
            for (ServiceInstance<Object> one : provider.getAllInstances()) {
                provided.add(one.getId());
            }
            found.put(name, Map.of("instances", instances, "provided", provided));
        }
        return found;
    }

    /** Spring's DiscoveryClient, configured as in any application. */
    static Map<String, Object> spring(String address, String base) {
        SpringApplication application = new SpringApplication(Consumer.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        var context = application.run(
                "--logging.level.root=error",
                "--spring.main.banner-mode=off",
                "--spring.cloud.zookeeper.connect-string=" + address,
                "--spring.cloud.zookeeper.discovery.root=" + base,
                "--spring.cloud.zookeeper.discovery.register=false");
        DiscoveryClient client = Arrays.stream(context.getBeanNamesForType(DiscoveryClient.class))
                .map(name -> context.getBean(name, DiscoveryClient.class))
                .filter(one -> one.getClass().getSimpleName().equals("ZookeeperDiscoveryClient"))
                .findFirst().orElseThrow();
        Map<String, Object> found = new LinkedHashMap<>();
        for (String name : client.getServices()) {
            List<Object> instances = new ArrayList<>();
            for (var one : client.getInstances(name)) {
                Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("service", one.getServiceId());
                fields.put("id", String.valueOf(one.getInstanceId()));
                fields.put("host", one.getHost());
                fields.put("port", one.getPort());
                fields.put("secure", one.isSecure());
                fields.put("uri", one.getUri().toString());
                fields.put("metadata", one.getMetadata());
                instances.add(fields);
            }
            found.put(name, instances);
        }
        return found;
    }
}
