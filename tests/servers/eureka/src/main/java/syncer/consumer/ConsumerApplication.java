package syncer.consumer;

import java.util.List;
import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.cloud.client.ServiceInstance;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalancerClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** A client of Eureka as people write them with Spring Cloud; it tells what it found. */
@SpringBootConfiguration
@EnableAutoConfiguration
@RestController
public class ConsumerApplication {
    private final DiscoveryClient discovery;
    private final LoadBalancerClient balancer;

    ConsumerApplication(DiscoveryClient discovery, LoadBalancerClient balancer) {
        this.discovery = discovery;
        this.balancer = balancer;
    }

    public static void main(String[] args) {
        SpringApplication.run(ConsumerApplication.class, args);
    }

    /** All instances of a service. */
    @GetMapping("/instances/{service}")
    List<Map<String, Object>> instances(@PathVariable("service") String service) {
        return discovery.getInstances(service).stream().map(ConsumerApplication::told).toList();
    }

    /** The one that the load balancer would send the next request to; empty if there is none. */
    @GetMapping("/choice/{service}")
    Map<String, Object> choice(@PathVariable("service") String service) {
        ServiceInstance chosen = balancer.choose(service);
        return chosen == null ? Map.of() : told(chosen);
    }

    private static Map<String, Object> told(ServiceInstance instance) {
        return Map.of(
                "id", instance.getInstanceId(),
                "uri", instance.getUri().toString(),
                "host", instance.getHost(),
                "port", instance.getPort(),
                "secure", instance.isSecure(),
                "metadata", instance.getMetadata());
    }
}
