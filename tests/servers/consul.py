"""Real Consul agents, and a small HTTP helper that witnesses what they hold.

The helper uses none of syncer's code and no client library: what it reports is what
Consul says.
"""

import copy
import json
import random
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from servers.process import free_ports
from servers.real import RealServer
from servers.secrets import secret
from servers.waiting import wait_until

PORTS = ("http", "dns", "server", "serf_lan", "serf_wan")
MANAGEMENT_TOKEN = "00000000-0000-4000-8000-000000000001"
# Every token that is not known may read nothing and write nothing.
ACL = {
    "acl": {
        "enabled": True,
        "default_policy": "deny",
        "tokens": {"master": MANAGEMENT_TOKEN, "agent": MANAGEMENT_TOKEN},
    }
}


def missing():
    """Why no Consul can be started here, in words; empty if one can."""
    return "" if shutil.which("consul") else "not on the PATH: consul"


def version():
    """The version of the consul program."""
    said = subprocess.run(["consul", "version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"v([\d.]+)", said).group(1)


# Never through a proxy that the environment names: the agents are on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ConsulApi:
    """Questions and hand edits over one agent's HTTP API."""

    def __init__(self, url, token=""):
        self.url = url
        self.token = token

    def request(self, method, path, body=None, **query):
        """Send a request to /v1/`path`; return what the JSON answer says, `None` if empty.

        An answer of 400 and above raises `urllib.error.HTTPError`.
        """
        url = f"{self.url}/v1/{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)
        if self.token:
            request.add_header("X-Consul-Token", self.token)
        try:
            with _OPENER.open(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            error.msg = f"{error.msg}: {error.read().decode(errors='replace').strip()}"
            error.close()
            raise
        return json.loads(text) if text.strip() else None

    def get(self, path, **query):
        """GET /v1/`path`."""
        return self.request("GET", path, **query)

    def put(self, path, body=None, **query):
        """PUT /v1/`path`."""
        return self.request("PUT", path, body, **query)

    def services(self):
        """The agent's services by id."""
        return self.get("agent/services")

    def checks(self):
        """The agent's checks by id."""
        return self.get("agent/checks")

    def catalog(self, service, **query):
        """What the catalog of the whole datacenter lists for a service."""
        return self.get(f"catalog/service/{service}", **query)

    def health(self, service, passing=False):
        """The instances of a service with their checks; `passing`: only the good ones."""
        query = {"passing": "1"} if passing else {}
        return self.get(f"health/service/{service}", **query)

    def passing_ids(self, service):
        """The ids of the instances whose checks all pass."""
        return {entry["Service"]["ID"] for entry in self.health(service, passing=True)}

    def leader(self):
        """The leader's address, empty while there is none."""
        return self.get("status/leader")

    def register(self, service):
        """Register a service by hand; `service` as in Consul's documentation."""
        self.put("agent/service/register", service)

    def deregister(self, service_id):
        """Remove a service by hand."""
        self.put(f"agent/service/deregister/{_quoted(service_id)}")

    def deregister_check(self, check_id):
        """Remove a check by hand."""
        self.put(f"agent/check/deregister/{_quoted(check_id)}")

    def maintenance(self, service_id, enable, reason=""):
        """Switch an operator's maintenance mode of a service."""
        enabled = str(enable).lower()
        path = f"agent/service/maintenance/{_quoted(service_id)}"
        self.put(path, enable=enabled, reason=reason)

    def create_token(self, rules):
        """Make a token with these ACL rules (HCL) and return its secret."""
        name = f"test-{random.randrange(10**12)}"
        self.put("acl/policy", {"Name": name, "Rules": rules})
        return secret(self.put("acl/token", {"Policies": [{"Name": name}]})["SecretID"])

    def clean(self):
        """Remove every service and check of this agent but Consul itself."""
        for check_id, check in self.checks().items():
            if not check["ServiceID"]:
                self.deregister_check(check_id)
        for service_id in self.services():
            self.deregister(service_id)


def _quoted(text):
    return urllib.parse.quote(text, safe="")


class Consul(RealServer):
    """One agent: by default a development server that forgets everything when it ends.

    `persistent`: a server with its data on disk. `config`: more configuration, merged in,
    such as `ACL`. `api` asks with the management token if there are ACLs.
    """

    def __init__(self, guard, name="consul", host="127.0.0.1", persistent=False, config=None):
        super().__init__(guard, name)
        self.host = host
        self.ports = dict(zip(PORTS, free_ports(len(PORTS), host), strict=True))
        self.persistent = persistent
        self.config = _merged(self._own_config(name), config or {})
        token = self.config.get("acl", {}).get("tokens", {}).get("master", "")
        self.folder.mkdir()
        self.data = self.folder / "data"
        self.api = ConsulApi(self.url, token)

    @property
    def address(self):
        """`host:port` of the HTTP API, as in CONSUL_HTTP_ADDR."""
        return f"{self.host}:{self.ports['http']}"

    @property
    def url(self):
        """The HTTP API's address with its scheme."""
        return f"http://{self.address}"

    def begin(self):
        """Start it, with the configuration as it is now, without waiting."""
        (self.folder / "config.json").write_text(json.dumps(self.config, indent=1))
        super().begin()

    def _own_config(self, name):
        return {
            "node_name": name,
            "bind_addr": self.host,
            "client_addr": self.host,
            "ports": self.ports | {"grpc": -1},
            "performance": {"raft_multiplier": 1},
            "enable_local_script_checks": True,
            "disable_update_check": True,
            # Of 200, its default, a busy machine runs out: connections that are closed count on.
            "limits": {"http_max_conns_per_client": 5000},
            "log_level": "INFO",
        }

    def _argv(self):
        argv = ["consul", "agent", "-config-file", self.folder / "config.json"]
        if self.persistent:
            argv += ["-data-dir", self.data]
            if not {"server", "bootstrap_expect"} & self.config.keys():
                argv += ["-server", "-bootstrap-expect", "1"]
            return argv
        return [*argv, "-dev"]

    def _ready(self):
        if self.config.get("http_config", {}).get("block_endpoints"):
            self.api.get("agent/members")
            return True  # it answers, though perhaps not to what would tell more
        if not self.api.leader():
            return False
        # The agent answers before it is in the catalog; only then does a registration
        # show up there at once.
        nodes = self.api.get("catalog/nodes")
        return any(node["Node"] == self.config["node_name"] for node in nodes)


def _merged(base, more):
    result = copy.deepcopy(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


class ConsulCluster:
    """Three servers and one client agent, each on a loopback address of its own.

    `servers` and `client` are `Consul` objects; `api` asks the client agent, as a service
    on its machine would.
    """

    def __init__(self, guard, name="cluster"):
        net = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        self.servers = [
            self._member(guard, f"{name}-server{n}", f"{net}.{n}", {"server": True})
            for n in (1, 2, 3)
        ]
        self.client = self._member(guard, f"{name}-client", f"{net}.4", {"server": False})
        self.members = [*self.servers, self.client]
        self.api = self.client.api
        join = [f"{server.host}:{server.ports['serf_lan']}" for server in self.servers]
        for member in self.members:
            member.config["retry_join"] = [a for a in join if not a.startswith(member.host + ":")]

    @staticmethod
    def _member(guard, name, host, config):
        if config["server"]:
            config["bootstrap_expect"] = 3
        config["retry_interval"] = "1s"
        return Consul(guard, name, host=host, persistent=True, config=config)

    def start(self):
        """Start all four and wait until every one of them knows the leader."""
        for member in self.members:
            member.begin()
        for member in self.members:
            member.wait_ready()

    def leader(self):
        """The server that leads now, as the others see it; `None` during an election."""
        for server in filter(Consul.running, self.servers):
            address = server.api.leader()
            for candidate in self.servers:
                if address == f"{candidate.host}:{candidate.ports['server']}":
                    return candidate if candidate.running() else None
        return None

    def kill_leader(self):
        """Crash the leader, and return it."""
        leader = wait_until(self.leader, 20, "a leader", ignore=(OSError,))
        leader.kill()
        return leader

    def wait_leader(self, deadline=30):
        """Wait until a running server leads and the client agent can reach it."""
        leader = wait_until(self.leader, deadline, "a new leader", ignore=(OSError,))
        wait_until(
            lambda: self.api.get("catalog/nodes"), deadline, "the client agent", ignore=(OSError,)
        )
        return leader

    def clean(self):
        """All four up again, and without services."""
        for member in self.members:
            member.thaw()
        for member in self.members:
            if not member.running():
                member.start()
        self.wait_leader()
        for member in self.members:
            member.api.clean()

    def stop(self):
        """End all four at once: nobody waits for an orderly farewell."""
        for member in self.members:
            member.kill()
