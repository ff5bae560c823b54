#!/usr/bin/env python3
"""A synthetic Docker Engine API server, for measuring tools that watch containers.

It serves the few read-only endpoints a service registrar uses, from an
in-memory set of made-up containers, so that 5,000 containers cost no more than
5,000 small JSON strings:

    GET|HEAD /_ping
    GET      /version   /info
    GET      /containers/json            (all=, limit=, filters= status, id, name, label)
    GET      /containers/{id|prefix|name}/json
    GET      /events                     (since=, until=, filters= type, event, container, label)

each with or without a /vX.YZ prefix, over HTTP/1.1 with keep-alive, on a unix
socket or a TCP port.  The `docker` Python SDK 7.x and go-dockerclient both
accept it.

What happens to the containers is driven through a control interface on the
same address (JSON in, JSON out; see `Control`):

    POST /_control/add     {"count": 5}                 create and start containers
    POST /_control/add     {"name": "web", "ports": [[80, 8080]], "labels": {...}}
    POST /_control/die     {"name": "web", "exit_code": 0}   stop (it stays in `all=1`)
    POST /_control/start   {"name": "web"}              start a stopped one again
    POST /_control/rm      {"name": "web"}              stop if needed, and remove
    POST /_control/health  {"name": "web", "health": "unhealthy"}   what its HEALTHCHECK says
    POST /_control/rename  {"name": "web", "to": "shop"}
    POST /_control/emit    {"event": {...}}             send any event verbatim
    POST /_control/hangup  {}                           close every event stream
    POST /_control/say     {"text": "half"}             send any text on every event stream
    POST /_control/fault   {"latency": 0.01, "fail": {"inspect": 500}}
    POST /_control/fault   {"cut": {"list": 100}, "hide": ["web"]}   see below
    GET  /_control/stats                                requests served, by kind
    POST /_control/events  {}                           the last events that were sent
    POST /_control/reset   {}                           zero those counts

With "quiet" in it, add, die, start, rm, health and rename send no event. A fault replaces those
of its kind:

    latency  seconds before each answer       slow  the same by kind of request
    fail     status code by kind of request   cut   bytes of the answer after which the line is cut
    hide     names that lists leave out, although inspect knows them
    vanish   names that go, without an event, as soon as a list has shown them

Kinds are ping, version, info, list, inspect and events.

Examples:

    fakedocker.py --listen unix:/tmp/fd.sock --containers 5000
    fakedocker.py --listen tcp:127.0.0.1:2375 -n 100 --ports 3 --labels labels.json

--labels names a JSON list of label sets; container i gets set i modulo their
number, with {i}, {name} and {port} replaced in keys and values.

Only the standard library is used.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

API_VERSION = "1.41"
ENGINE_VERSION = "20.10.24"
DEFAULT_LABELS = [
    {"SERVICE_NAME": "svc-{i}", "SERVICE_TAGS": "bench,n{i}", "com.example.team": "perf"},
]
EVENT_HISTORY = 10_000


def rfc3339(ns):
    """A time in nanoseconds as Docker prints it."""
    whole, part = divmod(ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{part:09d}Z"


def dumps(value):
    return json.dumps(value, separators=(",", ":")).encode()


def template(value, **words):
    """Replace {i}, {name}, {port} in a string, leaving any other brace alone."""
    for word, text in words.items():
        value = value.replace(f"{{{word}}}", str(text))
    return value


class Container:
    """One made-up container and the two JSON texts that describe it."""

    def __init__(self, number, name, ports, labels, env, network, image="bench/app:1"):
        self.number = number
        self.id = hashlib.sha256(f"{number}/{name!a}/{time.time_ns()}".encode()).hexdigest()
        self.name = name
        self.ports = ports  # list of (container port, host port or None, proto, host ip)
        self.labels = labels
        self.env = env
        self.network = network
        self.image = image
        self.image_id = "sha256:" + hashlib.sha256(ascii(image).encode()).hexdigest()
        self.ip = (
            ""
            if network == "host"
            else f"10.{64 + (number >> 16 & 63)}.{number >> 8 & 255}.{number & 255}"
        )
        self.created = time.time_ns()
        self.started = self.created
        self.finished = 0
        self.running = True
        self.exit_code = 0
        self.health = ""  # of a container without HEALTHCHECK
        self._inspect = self._listing = None

    def changed(self):
        self._inspect = self._listing = None

    @property
    def status(self):
        return "running" if self.running else "exited"

    def _up_text(self):
        word = {"": "", "starting": " (health: starting)"}.get(self.health, f" ({self.health})")
        return f"Up 1 second{word}"

    def _health(self):
        """The part of the state that only containers with a HEALTHCHECK have."""
        if not self.health:
            return {}
        return {"Health": {"Status": self.health, "FailingStreak": 0, "Log": []}}

    def _networks(self):
        key = "bridge" if self.network in ("default", "bridge") else self.network
        return {
            key: {
                "IPAMConfig": None,
                "Links": None,
                "Aliases": None,
                "DriverOpts": None,
                "NetworkID": hashlib.sha256(key.encode()).hexdigest(),
                "EndpointID": self.id[::-1],
                "Gateway": "10.64.0.1" if self.ip else "",
                "IPAddress": self.ip if self.running else "",
                "IPPrefixLen": 10 if self.ip else 0,
                "IPv6Gateway": "",
                "GlobalIPv6Address": "",
                "GlobalIPv6PrefixLen": 0,
                "MacAddress": "",
            }
        }

    def listing(self):
        """The entry for /containers/json, as JSON bytes."""
        if self._listing is None:
            ports = []
            for private, public, proto, host_ip in self.ports if self.running else ():
                entry = {"PrivatePort": private, "Type": proto}
                if public is not None:
                    entry.update(IP=host_ip, PublicPort=public)
                ports.append(entry)
            self._listing = dumps(
                {
                    "Id": self.id,
                    "Names": ["/" + self.name],
                    "Image": self.image,
                    "ImageID": self.image_id,
                    "Command": "/bin/app",
                    "Created": self.created // 1_000_000_000,
                    "Ports": ports,
                    "Labels": self.labels,
                    "State": self.status,
                    "Status": self._up_text()
                    if self.running
                    else f"Exited ({self.exit_code}) 1 second ago",
                    "HostConfig": {"NetworkMode": self.network},
                    "NetworkSettings": {"Networks": self._networks()},
                    "Mounts": [],
                }
            )
        return self._listing

    def inspect(self):
        """The body of /containers/{id}/json, as JSON bytes (about 4 KB, like a real one)."""
        if self._inspect is None:
            bound, wanted, exposed = {}, {}, {}
            for private, public, proto, host_ip in self.ports:
                key = f"{private}/{proto}"
                exposed[key] = {}
                binding = None if public is None else [{"HostIp": host_ip, "HostPort": str(public)}]
                bound[key] = binding
                if binding:
                    wanted[key] = binding
            root = f"/var/lib/docker/containers/{self.id}"
            layer = f"/var/lib/docker/overlay2/{self.id[::-1]}"
            self._inspect = dumps(
                {
                    "Id": self.id,
                    "Created": rfc3339(self.created),
                    "Path": "/bin/app",
                    "Args": [],
                    "State": {
                        "Status": self.status,
                        "Running": self.running,
                        "Paused": False,
                        "Restarting": False,
                        "OOMKilled": False,
                        "Dead": False,
                        "Pid": 10_000 + self.number if self.running else 0,
                        "ExitCode": self.exit_code,
                        "Error": "",
                        "StartedAt": rfc3339(self.started),
                        "FinishedAt": rfc3339(self.finished)
                        if self.finished
                        else "0001-01-01T00:00:00Z",
                        **self._health(),
                    },
                    "Image": self.image_id,
                    "ResolvConfPath": root + "/resolv.conf",
                    "HostnamePath": root + "/hostname",
                    "HostsPath": root + "/hosts",
                    "LogPath": f"{root}/{self.id}-json.log",
                    "Name": "/" + self.name,
                    "RestartCount": 0,
                    "Driver": "overlay2",
                    "Platform": "linux",
                    "MountLabel": "",
                    "ProcessLabel": "",
                    "AppArmorProfile": "",
                    "ExecIDs": None,
                    "HostConfig": {
                        "Binds": None,
                        "ContainerIDFile": "",
                        "LogConfig": {"Type": "json-file", "Config": {}},
                        "NetworkMode": self.network,
                        "PortBindings": wanted,
                        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
                        "AutoRemove": False,
                        "VolumeDriver": "",
                        "VolumesFrom": None,
                        "CapAdd": None,
                        "CapDrop": None,
                        "CgroupnsMode": "host",
                        "Dns": [],
                        "DnsOptions": [],
                        "DnsSearch": [],
                        "ExtraHosts": None,
                        "GroupAdd": None,
                        "IpcMode": "private",
                        "Cgroup": "",
                        "Links": None,
                        "OomScoreAdj": 0,
                        "PidMode": "",
                        "Privileged": False,
                        "PublishAllPorts": False,
                        "ReadonlyRootfs": False,
                        "SecurityOpt": None,
                        "UTSMode": "",
                        "UsernsMode": "",
                        "ShmSize": 67108864,
                        "Runtime": "runc",
                        "ConsoleSize": [0, 0],
                        "Isolation": "",
                        "CpuShares": 0,
                        "Memory": 0,
                        "NanoCpus": 0,
                        "CgroupParent": "",
                        "BlkioWeight": 0,
                        "BlkioWeightDevice": [],
                        "BlkioDeviceReadBps": None,
                        "BlkioDeviceWriteBps": None,
                        "BlkioDeviceReadIOps": None,
                        "BlkioDeviceWriteIOps": None,
                        "CpuPeriod": 0,
                        "CpuQuota": 0,
                        "CpuRealtimePeriod": 0,
                        "CpuRealtimeRuntime": 0,
                        "CpusetCpus": "",
                        "CpusetMems": "",
                        "Devices": [],
                        "DeviceCgroupRules": None,
                        "DeviceRequests": None,
                        "KernelMemory": 0,
                        "KernelMemoryTCP": 0,
                        "MemoryReservation": 0,
                        "MemorySwap": 0,
                        "MemorySwappiness": None,
                        "OomKillDisable": False,
                        "PidsLimit": None,
                        "Ulimits": None,
                        "CpuCount": 0,
                        "CpuPercent": 0,
                        "IOMaximumIOps": 0,
                        "IOMaximumBandwidth": 0,
                        "MaskedPaths": [
                            "/proc/asound",
                            "/proc/acpi",
                            "/proc/kcore",
                            "/proc/keys",
                            "/proc/latency_stats",
                            "/proc/timer_list",
                            "/proc/timer_stats",
                            "/proc/sched_debug",
                            "/proc/scsi",
                            "/sys/firmware",
                        ],
                        "ReadonlyPaths": [
                            "/proc/bus",
                            "/proc/fs",
                            "/proc/irq",
                            "/proc/sys",
                            "/proc/sysrq-trigger",
                        ],
                    },
                    "GraphDriver": {
                        "Name": "overlay2",
                        "Data": {
                            "LowerDir": layer + "-init/diff",
                            "MergedDir": layer + "/merged",
                            "UpperDir": layer + "/diff",
                            "WorkDir": layer + "/work",
                        },
                    },
                    "Mounts": [],
                    "Config": {
                        "Hostname": self.id[:12],
                        "Domainname": "",
                        "User": "",
                        "AttachStdin": False,
                        "AttachStdout": False,
                        "AttachStderr": False,
                        "ExposedPorts": exposed,
                        "Tty": False,
                        "OpenStdin": False,
                        "StdinOnce": False,
                        "Env": self.env,
                        "Cmd": ["/bin/app"],
                        "Image": self.image,
                        "Volumes": None,
                        "WorkingDir": "",
                        "Entrypoint": None,
                        "OnBuild": None,
                        "Labels": self.labels,
                    },
                    "NetworkSettings": {
                        "Bridge": "",
                        "SandboxID": self.id,
                        "HairpinMode": False,
                        "LinkLocalIPv6Address": "",
                        "LinkLocalIPv6PrefixLen": 0,
                        "Ports": bound if self.running and self.network != "host" else {},
                        "SandboxKey": "",
                        "SecondaryIPAddresses": None,
                        "SecondaryIPv6Addresses": None,
                        "EndpointID": self.id[::-1],
                        "Gateway": "",
                        "GlobalIPv6Address": "",
                        "GlobalIPv6PrefixLen": 0,
                        "IPAddress": self.ip
                        if self.running and self.network in ("default", "bridge")
                        else "",
                        "IPPrefixLen": 0,
                        "IPv6Gateway": "",
                        "MacAddress": "",
                        "Networks": self._networks(),
                    },
                }
            )
        return self._inspect


class World:
    """The containers, and the events about them."""

    def __init__(self, options):
        self.options = options
        self.label_sets = DEFAULT_LABELS
        if options.labels:
            with open(options.labels, encoding="utf-8") as file:
                self.label_sets = json.load(file)
        self.containers = {}  # id -> Container, oldest first
        self.by_name = {}
        self.next_number = 0
        self.next_host_port = options.host_port
        self.history = []
        self.listeners = set()  # asyncio.Queue of (event, bytes), or None to hang up
        self.counts = Counter()
        self.latency = options.latency
        self.fail = {}  # kind of request -> status code
        self.slow = {}  # kind of request -> seconds
        self.cut = {}  # kind of request -> bytes
        self.hide = self.vanish = ()  # names
        for _ in range(options.containers):
            self.create()

    def create(self, name=None, ports=None, labels=None, env=None, network=None, image=None):
        number, self.next_number = self.next_number, self.next_number + 1
        name = name or f"{self.options.prefix}{number}"
        if name in self.by_name:
            raise KeyError(f"name {name!r} is in use")
        if ports is None:
            ports = [[8000 + k] for k in range(self.options.ports)]
        full = []
        for spec in ports:
            private, public, proto, host_ip = list(spec) + [0, "tcp", "0.0.0.0"][len(spec) - 1 :]
            if public == 0:
                public = self.next_host_port
                self.next_host_port += 1
                if self.next_host_port > 65535:
                    self.next_host_port = self.options.host_port
            full.append((private, public, proto, host_ip))
        if labels is None:
            words = {"i": number, "name": name, "port": full[0][0] if full else ""}
            labels = {
                template(k, **words): template(v, **words)
                for k, v in self.label_sets[number % len(self.label_sets)].items()
            }
        if env is None:
            env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        container = Container(
            number, name, full, labels, env, network or self.options.network, image or "bench/app:1"
        )
        self.containers[container.id] = container
        self.by_name[name] = container
        return container

    def find(self, key):
        key = key.lstrip("/")
        if key in self.containers:
            return self.containers[key]
        if key in self.by_name:
            return self.by_name[key]
        if len(key) >= 4:
            found = [c for i, c in self.containers.items() if i.startswith(key)]
            if len(found) == 1:
                return found[0]
        return None

    def start(self, container, quiet=False):
        container.running, container.started, container.exit_code = True, time.time_ns(), 0
        container.health = container.health and "starting"
        container.changed()
        return {} if quiet else self.emit(container, "start")

    def die(self, container, exit_code=0, quiet=False):
        container.running, container.finished = False, time.time_ns()
        container.exit_code = exit_code
        container.changed()
        if quiet:
            return {}
        event = self.emit(container, "die", exitCode=str(exit_code))
        self.emit(container, "stop")
        return event

    def remove(self, container, quiet=False):
        if container.running:
            self.die(container, 137, quiet)
        del self.containers[container.id]
        del self.by_name[container.name]
        return {} if quiet else self.emit(container, "destroy")

    def set_health(self, container, health, quiet=False):
        container.health = health
        container.changed()
        return {} if quiet else self.emit(container, f"health_status: {health}")

    def rename(self, container, name, quiet=False):
        if name in self.by_name:
            raise KeyError(f"name {name!r} is in use")
        old = container.name
        self.by_name[name] = self.by_name.pop(old)
        container.name = name
        container.changed()
        return {} if quiet else self.emit(container, "rename", oldName=f"/{old}")

    def emit(self, container, action, **extra):
        now = time.time_ns()
        return self.publish(
            {
                "status": action,
                "id": container.id,
                "from": container.image,
                "Type": "container",
                "Action": action,
                "Actor": {
                    "ID": container.id,
                    "Attributes": {
                        **container.labels,
                        **extra,
                        "image": container.image,
                        "name": container.name,
                    },
                },
                "scope": "local",
                "time": now // 1_000_000_000,
                "timeNano": now,
            }
        )

    def publish(self, event):
        self.history.append(event)
        del self.history[:-EVENT_HISTORY]
        self.send(event, dumps(event) + b"\n")
        return event

    def send(self, event, data):
        """Send bytes to those who listen for such events; to all if it is None."""
        for queue in self.listeners:
            queue.put_nowait((event, data))


def read_filters(query):
    """Docker's filters parameter as {name: set of values}, in either of its two spellings."""
    raw = json.loads(query.get("filters", ["{}"])[0] or "{}")
    return {
        k: set(v if isinstance(v, list) else [x for x, on in v.items() if on])
        for k, v in raw.items()
    }


def event_word(event):
    """What filters compare: engines leave out what stands behind `health_status`."""
    return event.get("Action", "").partition(":")[0]


def label_matches(labels, wanted):
    for item in wanted:
        key, sep, value = item.partition("=")
        if key not in labels or (sep and labels[key] != value):
            return False
    return True


class Control:
    """The control interface: each method takes the request's JSON and returns JSON."""

    def __init__(self, world):
        self.world = world

    def _pick(self, body):
        container = self.world.find(body.get("name") or body.get("id") or "")
        if container is None:
            raise KeyError("no such container")
        return container

    def add(self, body):
        made = []
        settings = {k: body[k] for k in ("ports", "labels", "env", "network", "image") if k in body}
        for _ in range(body.get("count", 1)):
            container = self.world.create(name=body.get("name"), **settings)
            event = None
            if not body.get("quiet"):
                self.world.emit(container, "create")
                event = self.world.start(container)
            made.append(
                {
                    "id": container.id,
                    "name": container.name,
                    "ports": container.ports,
                    "timeNano": event and event["timeNano"],
                }
            )
        return {"containers": made}

    def die(self, body):
        return self.world.die(self._pick(body), body.get("exit_code", 0), body.get("quiet", False))

    def start(self, body):
        return self.world.start(self._pick(body), body.get("quiet", False))

    def rm(self, body):
        return self.world.remove(self._pick(body), body.get("quiet", False))

    def health(self, body):
        return self.world.set_health(self._pick(body), body["health"], body.get("quiet", False))

    def rename(self, body):
        return self.world.rename(self._pick(body), body["to"], body.get("quiet", False))

    def emit(self, body):
        return self.world.publish(body["event"])

    def say(self, body):
        self.world.send(None, body["text"].encode())
        return {}

    def events(self, body):
        return {"events": self.world.history[-100:]}

    def hangup(self, body):
        listeners = list(self.world.listeners)
        for queue in listeners:
            queue.put_nowait(None)
        return {"closed": len(listeners)}

    FAULTS = ("latency", "fail", "slow", "cut", "hide", "vanish")

    def fault(self, body):
        for name, value in body.items():
            if name not in self.FAULTS:
                raise KeyError(f"no such fault: {name}")
            setattr(self.world, name, value)
        return {name: getattr(self.world, name) for name in self.FAULTS}

    def stats(self, body):
        return {
            "requests": dict(self.world.counts),
            "containers": len(self.world.containers),
            "running": sum(c.running for c in self.world.containers.values()),
            "listeners": len(self.world.listeners),
        }

    def reset(self, body):
        self.world.counts.clear()
        return {}


def kind_of(path):
    """The kind of request that a path means, by which requests are counted and fail."""
    if path == "/_ping":
        return "ping"
    if path == "/containers/json":
        return "list"
    if path.startswith("/containers/") and path.endswith("/json"):
        return "inspect"
    return path.strip("/")


class Connection:
    """One client connection, serving requests until either side closes it."""

    ACTIONS = (
        "add",
        "die",
        "start",
        "rm",
        "health",
        "rename",
        "emit",
        "say",
        "events",
        "hangup",
        "fault",
        "stats",
        "reset",
    )

    def __init__(self, world, reader, writer):
        self.world, self.reader, self.writer = world, reader, writer
        self.control = Control(world)
        self.close = False
        self.cut = None  # bytes of the present answer after which the line is cut

    async def serve(self):
        try:
            while not self.close:
                try:
                    head = await self.reader.readuntil(b"\r\n\r\n")
                except asyncio.IncompleteReadError:
                    break
                lines = head.decode("latin-1").split("\r\n")
                method, target, version = lines[0].split(" ", 2)
                headers = {}
                for line in lines[1:-2]:
                    name, _, value = line.partition(":")
                    headers[name.strip().lower()] = value.strip()
                wish = headers.get("connection", "").lower()
                self.close = "close" in wish or (version == "HTTP/1.0" and wish != "keep-alive")
                body = await self.reader.readexactly(int(headers.get("content-length") or 0))
                await self.answer(method, target, body)
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            ValueError,
            asyncio.LimitOverrunError,
        ):
            pass
        finally:
            self.writer.close()

    async def answer(self, method, target, body):
        parts = urlsplit(target)
        path = re.sub(r"^/v\d+\.\d+(?=/)", "", unquote(parts.path))
        query = parse_qs(parts.query, keep_blank_values=True)
        self.cut = None
        if path.startswith("/_control/"):
            return await self.answer_control(path[len("/_control/") :], body)
        kind = kind_of(path)
        self.world.counts[kind] += 1
        self.cut = self.world.cut.get(kind)
        if pause := self.world.slow.get(kind, self.world.latency):
            await asyncio.sleep(pause)
        if kind in self.world.fail:
            return await self.send(self.world.fail[kind], {"message": "injected fault"})
        await self.answer_engine(kind, path, query, method)

    async def answer_engine(self, kind, path, query, method):
        if kind == "ping":
            await self.send(200, b"OK", "text/plain", head=method == "HEAD")
        elif kind == "inspect":
            await self.inspect(path[len("/containers/") : -len("/json")])
        elif kind == "events":
            await self.stream_events(query)
        elif kind == "list":
            await self.send(200, self.listing(query))
            for name in self.world.vanish:
                if name in self.world.by_name:
                    self.world.remove(self.world.by_name[name], quiet=True)
        elif kind == "version":
            await self.send(200, self.version())
        elif kind == "info":
            await self.send(200, self.info())
        else:
            await self.send(404, {"message": "page not found"})

    async def inspect(self, key):
        container = self.world.find(key)
        if container is None:
            await self.send(404, {"message": f"No such container: {key}"})
        else:
            await self.send(200, container.inspect())

    def version(self):
        return {
            "Platform": {"Name": "fakedocker"},
            "Version": ENGINE_VERSION,
            "ApiVersion": API_VERSION,
            "MinAPIVersion": "1.12",
            "GitCommit": "0",
            "GoVersion": "none",
            "Os": "linux",
            "Arch": "amd64",
            "KernelVersion": "0",
            "Components": [],
        }

    def info(self):
        return {
            "ID": "FAKE",
            "Name": os.uname().nodename,
            "ServerVersion": ENGINE_VERSION,
            "Containers": len(self.world.containers),
            "OSType": "linux",
            "Architecture": "x86_64",
            "NCPU": os.cpu_count(),
            "Labels": [],
            "Swarm": {"NodeID": "", "LocalNodeState": "inactive"},
        }

    async def answer_control(self, action, body):
        if action not in self.ACTIONS:
            return await self.send(404, {"message": "no such control"})
        try:
            await self.send(200, getattr(self.control, action)(json.loads(body or b"{}")))
        except (KeyError, TypeError, ValueError) as error:
            await self.send(400, {"message": repr(error)})

    def listing(self, query):
        filters = read_filters(query)
        show_all = query.get("all", ["0"])[0] in ("1", "true", "True") or "status" in filters
        chosen = []
        for container in reversed(self.world.containers.values()):
            if not show_all and not container.running or container.name in self.world.hide:
                continue
            if "status" in filters and container.status not in filters["status"]:
                continue
            if "id" in filters and not any(map(container.id.startswith, filters["id"])):
                continue
            if "name" in filters and not any(
                n.lstrip("/") in container.name for n in filters["name"]
            ):
                continue
            if "label" in filters and not label_matches(container.labels, filters["label"]):
                continue
            chosen.append(container.listing())
        limit = int(query.get("limit", ["0"])[0] or 0)
        if limit > 0:
            chosen = chosen[:limit]
        return b"[" + b",".join(chosen) + b"]"

    async def stream_events(self, query):
        self.close = True
        filters = read_filters(query)
        since, until = (
            float(query[k][0]) if query.get(k, [""])[0] not in ("", "0") else None
            for k in ("since", "until")
        )

        def wanted(event):
            actor = event.get("Actor", {})
            return (
                ("type" not in filters or event.get("Type") in filters["type"])
                and ("event" not in filters or event_word(event) in filters["event"])
                and ("container" not in filters or actor.get("ID") in filters["container"])
                and label_matches(actor.get("Attributes", {}), filters.get("label", ()))
            )

        queue = asyncio.Queue()
        self.world.listeners.add(queue)
        self.writer.write(
            b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: "
            b"application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        if since is not None:
            for event in list(self.world.history):
                at = event.get("timeNano", 0) / 1e9
                if at >= since and (until is None or at <= until) and wanted(event):
                    self.chunk(dumps(event) + b"\n")
        hung_up = asyncio.ensure_future(self.reader.read(1))
        try:
            while True:
                left = None if until is None else max(0.0, until - time.time())
                getter = asyncio.ensure_future(queue.get())
                done, _ = await asyncio.wait(
                    {getter, hung_up}, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
                if getter not in done:
                    getter.cancel()
                    if not done:  # until has passed: a proper end of stream
                        self.writer.write(b"0\r\n\r\n")
                        await self.writer.drain()
                    break
                item = getter.result()
                if item is None:
                    break
                event, data = item
                if event is None or wanted(event):
                    self.chunk(data)
                    await self.writer.drain()
        finally:
            hung_up.cancel()
            self.world.listeners.discard(queue)

    def chunk(self, data):
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def send(self, status, body, content_type="application/json", head=False):
        if not isinstance(body, bytes):
            body = dumps(body)
        whole = len(body)
        if self.cut is not None:
            body, self.close = body[: self.cut], True
        self.writer.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nApi-Version: {API_VERSION}\r\n"
            f"Docker-Experimental: false\r\nOstype: linux\r\nServer: fakedocker\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {whole}\r\n"
            f"{'Connection: close' + chr(13) + chr(10) if self.close else ''}\r\n".encode()
            + (b"" if head else body)
        )
        await self.writer.drain()


async def run(options):
    world = World(options)

    async def connected(reader, writer):
        await Connection(world, reader, writer).serve()

    kind, _, where = options.listen.partition(":")
    if kind == "unix":
        if os.path.exists(where):
            os.unlink(where)
        server = await asyncio.start_unix_server(connected, where, backlog=1024)
    elif kind == "tcp":
        host, _, port = where.rpartition(":")
        server = await asyncio.start_server(connected, host, int(port), backlog=1024)
    else:
        raise SystemExit("--listen must be unix:PATH or tcp:HOST:PORT")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"fakedocker: {len(world.containers)} containers on {options.listen}", flush=True)
    await stop.wait()
    server.close()
    if kind == "unix":
        os.unlink(where)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--listen", default="unix:/tmp/fakedocker.sock", help="unix:PATH or tcp:HOST:PORT"
    )
    parser.add_argument("-n", "--containers", type=int, default=100)
    parser.add_argument("--ports", type=int, default=1, help="published ports per container")
    parser.add_argument("--prefix", default="c", help="container names are PREFIX and a number")
    parser.add_argument("--host-port", type=int, default=20000, help="first host port given out")
    parser.add_argument("--network", default="default", help="NetworkMode of the containers")
    parser.add_argument("--labels", help="JSON file: a list of label sets, used in turn")
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds to wait before each answer"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(parse(sys.argv[1:])))
