"""Real consumers of what stands in etcd: CoreDNS, Go's own gRPC client, Traefik's provider.

All are built from the Go project in `coredns/` beside this file; see `install.sh`.
"""

import json
import re
import subprocess
from pathlib import Path

import dns.exception
import dns.resolver

from servers.process import free_port
from servers.real import RealServer

PROJECT = Path(__file__).with_name("coredns")
PROGRAM, CALLER, TRAEFIK = (PROJECT / "target" / name for name in ("coredns", "caller", "traefik"))


def missing():
    """Why these cannot be started here, in words; empty if they can."""
    lacking = [path.name for path in (PROGRAM, CALLER, TRAEFIK) if not path.exists()]
    how = "(tests/servers/install.sh builds them)"
    return f"not built: {', '.join(lacking)} {how}" if lacking else ""


def version():
    """The version of CoreDNS."""
    return re.search(r"coredns/coredns v(\S+)", (PROJECT / "go.mod").read_text()).group(1)


class CoreDns(RealServer):
    """A name server for one domain, which it reads from etcd."""

    def __init__(self, guard, name, etcd_url, domain):
        super().__init__(guard, name)
        self._port = free_port()
        self._config = guard.folder / f"{name}.corefile"
        self._config.write_text(
            f"{domain}:{self._port} {{\n"
            f"  bind 127.0.0.1\n  errors\n  etcd {{\n    endpoint {etcd_url}\n  }}\n}}\n"
        )
        self._domain = domain
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers, self._resolver.port = ["127.0.0.1"], self._port
        self._resolver.timeout, self._resolver.lifetime = 0.5, 5

    def addresses(self, name):
        """All addresses of a name, of both families."""
        found = [*self._ask(name, "A"), *self._ask(name, "AAAA")]
        return sorted(record.address for record in found)

    def servers(self, name):
        """The servers of a name (SRV): the port by the target's name."""
        return {
            record.target.to_text(omit_final_dot=True): record.port
            for record in self._ask(name, "SRV")
        }

    def _ask(self, name, kind):
        """The answers; none if there are none, or no such name."""
        try:
            return list(self._resolver.resolve(f"{name}.", kind))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []

    def _argv(self):
        return [PROGRAM, "-conf", self._config]

    def _ready(self):
        try:
            self._ask(self._domain, "A")
        except dns.exception.DNSException:
            return False
        return True


class Caller:
    """A Go program with a gRPC connection to a target that etcd names."""

    def __init__(self, etcd_url, target, log):
        with log.open("w") as said:
            self._process = subprocess.Popen(
                [CALLER, etcd_url, target],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def call(self):
        """Make one call; returns the address of the server that answered, or `error: ...`."""
        self._process.stdin.write("call\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self):
        """Close the connection."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Traefik(RealServer):
    """The part of Traefik that reads etcd."""

    def __init__(self, guard, name, etcd_address):
        super().__init__(guard, name)
        self._etcd_address = etcd_address

    def _argv(self):
        return [TRAEFIK, self._etcd_address]

    def _ready(self):
        return self._configurations()

    def servers(self, kind, service):
        """The servers of a service, in Traefik's order; none if it knows no such service."""
        services = json.loads(self._configurations()[-1]).get(kind, {}).get("services", {})
        balancer = services.get(service, {}).get("loadBalancer", {})
        return [one.get("url") or one["address"] for one in balancer.get("servers", ())]

    def _configurations(self):
        """What it made of etcd, again and again; a line that is half written is not there yet."""
        lines = self.process.log.read_text().splitlines(keepends=True)
        return [line for line in lines if line.startswith("{") and line.endswith("}\n")]
