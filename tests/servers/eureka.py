"""Real Eureka servers of Spring Cloud, and witnesses of what they hold that are not syncer.

The server is built from the Maven project in `eureka/` beside this file; see `install.sh`.
"""

import base64
import json
import re
import shutil
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

from servers.process import free_port
from servers.real import RealServer
from servers.waiting import wait_until

PROJECT = Path(__file__).with_name("eureka")
JAR = PROJECT / "target" / "eureka.jar"
#: What tests want of most servers: lists that show each write at once, and no mercy for the dead.
QUICK = {
    "eureka.server.use-read-only-response-cache": "false",
    "eureka.server.response-cache-update-interval-ms": "1000",
    # A list that was made while somebody wrote is kept, though it is old: else for 180 s.
    "eureka.server.response-cache-auto-expiration-in-seconds": "1",
    "eureka.server.enable-self-preservation": "false",
    "eureka.server.eviction-interval-timer-in-ms": "1000",
}
#: As the defaults have it: lists are up to 30 s old, and leases are spared when many run out.
USUAL = {
    "eureka.server.use-read-only-response-cache": "true",
    "eureka.server.response-cache-update-interval-ms": "30000",
}
#: A server that is alone and waits for peers: what it has may not be listed for a minute.
FORBIDDEN = {
    "eureka.server.wait-time-in-ms-when-sync-empty": "60000",
    "eureka.server.registry-sync-retries": "0",
    "eureka.instance.registry.default-open-for-traffic-count": "0",
    "eureka.client.fetch-registry": "true",
    "eureka.client.service-url.defaultZone": "http://127.0.0.1:9/eureka/",
}
#: Seconds by which lists of a LATE server lag; it is the usual one otherwise.
LAG = 1
LATE = {**USUAL, "eureka.server.response-cache-update-interval-ms": f"{LAG}000"}
# Small and quick to start; a test run has several of these at a time.
_JAVA = ("java", "-Xmx256m", "-Xss512k", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
START = 300


def missing():
    """Why no Eureka can be started here, in words; empty if one can."""
    if not shutil.which("java"):
        return "not on the PATH: java"
    return "" if JAR.exists() else f"not built: {JAR.name} (tests/servers/install.sh builds it)"


def version():
    """The version of Spring Cloud whose server this is."""
    pom = (PROJECT / "pom.xml").read_text()
    return "Spring Cloud " + re.search(r"<spring-cloud.version>(.*?)<", pom).group(1)


# Never through a proxy that the environment names: the servers are on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EurekaApi:
    """Questions and hand edits over the REST API, as anybody could make them."""

    def __init__(self, url, auth="", context=None):
        self.url = url
        self._auth = auth
        self._opener = _OPENER
        if context:
            handlers = (
                urllib.request.ProxyHandler({}),
                urllib.request.HTTPSHandler(context=context),
            )
            self._opener = urllib.request.build_opener(*handlers)

    def request(self, method, path, body=None, accept="application/json"):
        """The body of the answer; a code of 400 and above raises `urllib.error.HTTPError`."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": "application/json"}
        if self._auth:
            headers["Authorization"] = f"Basic {base64.b64encode(self._auth.encode()).decode()}"
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/{path}", data, headers, method=method
        )
        with self._opener.open(request, timeout=10) as answer:
            return answer.read()

    def apps(self):
        """The list of all applications, as JSON."""
        return json.loads(self.request("GET", "apps"))["applications"]["application"]

    def instances(self, app=""):
        """All instances, or those of one application; their JSON."""
        found = []
        for one in self.apps():
            if not app or one["name"] == app.upper():
                inner = one["instance"]
                found += inner if isinstance(inner, list) else [inner]
        return found

    def instance(self, app, instance_id):
        """One instance past all caches; None if there is none."""
        try:
            path = f"apps/{app.upper()}/{urllib.parse.quote(instance_id, safe='')}"
            return json.loads(self.request("GET", path))["instance"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return None

    def xml(self, path="apps"):
        """An answer in XML, parsed."""
        return ElementTree.fromstring(self.request("GET", path, accept="application/xml"))

    def register(self, app, instance_id, **fields):
        """Register an instance by hand, as a program of its own would."""
        body = {
            "instanceId": instance_id,
            "app": app.upper(),
            "hostName": "10.0.0.9",
            "ipAddr": "10.0.0.9",
            "status": "UP",
            "vipAddress": app,
            "port": {"$": 8080, "@enabled": "true"},
            "dataCenterInfo": {
                "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
                "name": "MyOwn",
            },
            **fields,
        }
        self.request("POST", f"apps/{app.upper()}", {"instance": body})

    def cancel(self, app, instance_id):
        """Remove an instance by hand; that it is not there is fine."""
        path = f"apps/{app.upper()}/{urllib.parse.quote(instance_id, safe='')}"
        try:
            self.request("DELETE", path)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise

    def override(self, app, instance_id, status):
        """Set an operator's override; None lifts it."""
        path = f"apps/{app.upper()}/{urllib.parse.quote(instance_id, safe='')}/status"
        if status is None:
            self.request("DELETE", f"{path}?value=UP")
        else:
            self.request("PUT", f"{path}?value={status}")

    def clean(self):
        """Remove every instance, also those that a list does not show yet."""
        self.register("last", "last")
        wait_until(lambda: self.instances("last"), 60, "a list of now", ignore=(OSError,))
        wait_until(self.remove_listed, 60, "an empty list", ignore=(OSError,))

    def remove_listed(self):
        """Remove what is listed; whether nothing was."""
        listed = self.instances()
        for one in listed:
            self.cancel(one["app"], one["instanceId"])
        return not listed


class Eureka(RealServer):
    """One server. `properties` are Spring's; `auth` is `user:password`.

    `tls` is a folder with ca.pem, server.pem, server.key, client.pem and client.key: then it
    speaks TLS, and asks for a client's certificate.
    """

    start_deadline = START

    def __init__(self, guard, name="eureka", properties=None, path="/eureka/", auth="", tls=None):
        super().__init__(guard, name)
        self.auth = auth
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{path}"
        self.properties = {"server.port": str(self.port), **QUICK, **(properties or {})}
        if auth:
            self.properties["test.auth"] = auth
        context = None
        if tls:
            self.properties |= {
                "server.ssl.certificate": f"{tls}/server.pem",
                "server.ssl.certificate-private-key": f"{tls}/server.key",
                "server.ssl.trust-certificate": f"{tls}/ca.pem",
                "server.ssl.client-auth": "need",
            }
            context = ssl.create_default_context(cafile=f"{tls}/ca.pem")
            context.load_cert_chain(f"{tls}/client.pem", f"{tls}/client.key")
        self.api = EurekaApi(self.url, auth, context)

    def stop(self):
        """End it at once: it keeps nothing."""
        self.kill()

    def _argv(self):
        return [*_JAVA, "-jar", JAR, *_flags(self.properties)]

    def _ready(self):
        try:
            return bool(self.api.request("GET", "apps"))
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 403


class EurekaPair:
    """Two servers that are peers of each other."""

    def __init__(self, guard, name="eureka-pair"):
        self.members = [Eureka(guard, f"{name}-{n}") for n in (1, 2)]
        for member, other in (self.members, self.members[::-1]):
            # Spring takes a server for itself, and not for a peer, if the host is its own.
            member.properties |= {
                "eureka.client.service-url.defaultZone": other.url.replace(
                    "127.0.0.1", "localhost"
                ),
                "eureka.client.fetch-registry": "true",
                "eureka.client.registry-fetch-interval-seconds": "1",
                # At its start it takes what the other has.
                "eureka.server.registry-sync-retries": "1",
                "eureka.server.peer-node-read-timeout-ms": "2000",
                "eureka.server.number-of-replication-retries": "0",
            }

    @property
    def urls(self):
        """The URLs of both."""
        return tuple(member.url for member in self.members)

    def start(self):
        """Start both and wait until each answers."""
        for member in self.members:
            member.begin()
        for member in self.members:
            member.wait_ready()

    def clean(self):
        """Both up again, and without anything in them."""
        for member in self.members:
            member.thaw()
            if not member.running():
                member.start()
        wait_until(self._remove_listed, 60, "empty peers", ignore=(OSError,))

    def stop(self):
        """End both."""
        for member in self.members:
            member.stop()

    def _remove_listed(self):
        # Both, each time: what one is told reaches the other later.
        return all([member.api.remove_listed() for member in self.members])


class Consumer(RealServer):
    """A program with Spring Cloud's client: what it finds in a server."""

    start_deadline = START

    def __init__(self, guard, name, url):
        super().__init__(guard, name)
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        self._properties = {
            "server.port": str(port),
            "eureka.client.service-url.defaultZone": url,
            "eureka.client.fetch-registry": "true",
            "eureka.client.registry-fetch-interval-seconds": "1",
            # Otherwise its load balancer remembers what it found for as long.
            "spring.cloud.loadbalancer.cache.enabled": "false",
            # As docs/spring-cloud.md asks of applications: syncer registers them.
            "eureka.client.register-with-eureka": "false",
            "eureka.client.jersey.enabled": "false",
        }

    def instances(self, service):
        """What `DiscoveryClient.getInstances` returns."""
        return self._ask(f"/instances/{service}")

    def choice(self, service):
        """What the load balancer chooses; empty if there is nothing."""
        return self._ask(f"/choice/{service}")

    def _ask(self, path):
        with _OPENER.open(self._url + path, timeout=10) as answer:
            return json.loads(answer.read())

    def _argv(self):
        main = "-Dloader.main=syncer.consumer.ConsumerApplication"
        return [*_JAVA, main, "-jar", JAR, *_flags(self._properties)]

    def _ready(self):
        return self.instances("nothing") == []


def _flags(properties):
    return [f"--{name}={value}" for name, value in properties.items()]
