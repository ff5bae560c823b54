"""Shared by this plugin's tests: sources, watchers, and an engine with scripted answers."""

import http.server
import json
import threading
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

import syncer
from servers.waiting import wait_until
from syncer_docker import DockerOptions
from syncer_docker.client.client import DockerClient
from syncer_docker.contexts import with_context
from syncer_docker.source import DockerSource


@pytest.fixture
def make_source():
    """Makes sources, which are closed after the test: `make_source(address, **options)`.

    `client` is the class of its client: a subclass of `DockerClient` that fails, say.
    """
    made = []

    def make(
        address,
        *,
        scope="host1",
        timeout=timedelta(seconds=30),
        client=DockerClient,
        clock=time.monotonic,
        **options,
    ):
        options = DockerOptions(endpoint=address, scope=scope, timeout=timeout, **options)
        made.append(DockerSource(client(with_context(options)), scope=scope, clock=clock))
        return made[-1]

    yield make
    for source in made:
        source.close()


class Watcher:
    """Watches a source as the engine of syncer does: in a thread, again and again."""

    def __init__(self, source):
        self.source, self.wakes, self.errors, self.returned = source, [], [], 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            try:
                self.source.watch(self.wakes.append, self.stop)
            except syncer.SyncerError as error:
                self.errors.append(error)
            self.returned += 1
            self.stop.wait(0.05)

    def wait_for(self, id, since=0, deadline=30):
        """Wait for a wake with this id (None: everything) after the first `since` wakes."""
        wait_until(lambda: id in self.wakes[since:], deadline, f"a wake for {id}")

    def wait_state(self, id, state, deadline=30):
        """Wait until the workload is in a state, asking only after a wake for it."""

        def found():
            if id not in self.wakes:
                return None
            workload = self.source.workload(id)
            return workload if workload and workload.state is state else None

        return wait_until(found, deadline, f"{id[:12]} to be {state.value}")

    def end(self):
        self.stop.set()
        self.thread.join(30)


@pytest.fixture
def watch():
    """Starts watchers, and waits until they listen: `watch(source)`."""
    started = []

    def start(source):
        started.append(Watcher(source))
        started[-1].wait_for(None)
        return started[-1]

    yield start
    for watcher in started:
        watcher.end()


class ScriptedEngine:
    """An HTTP server on a TCP port; `routes` maps the beginning of a path to what answers.

    An answer is a value (sent as JSON), an (status, bytes) pair, or a function of the handler.
    """

    def __init__(self, routes, context=None):
        self.routes = {
            "/version": {"ApiVersion": "1.52", "MinAPIVersion": "1.44"},
            "/_ping": (200, b"OK"),
            "/info": {"Name": "engine-host"},
            **routes,
        }
        self.paths = []
        self.over = threading.Event()
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = urlsplit(self.path).path
                if path.startswith("/v1."):
                    path = "/" + path.split("/", 2)[2]
                engine.paths.append(self.path)
                found = [
                    answer for start, answer in engine.routes.items() if path.startswith(start)
                ]
                engine.answer(self, found[-1] if found else (404, b'{"message": "page not found"}'))

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.server.handle_error = lambda *_: None
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, handler, answer):
        if callable(answer):
            answer(handler)
            return
        status, body = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def stream(self, *pieces, hold=True):
        """An answer for /events: these bytes in chunks, then silence if `hold`."""

        def send(handler):
            handler.close_connection = True
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for piece in pieces:
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if hold:
                self.over.wait(30)

        return send

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def scripted_engine():
    """Starts scripted engines: `scripted_engine({"/containers/json": []})`."""
    started = []

    def start(routes=(), context=None):
        started.append(ScriptedEngine(dict(routes), context))
        return started[-1]

    yield start
    for engine in started:
        engine.close()


ID = "a" * 64


@pytest.fixture
def inspected():
    """Makes what an engine says of a container: `inspected(State={...}, HostConfig=...)`.

    Shortened from Engine 20.10; each section given replaces the fields that it names.
    """

    def make(**sections):
        found = {
            "Id": ID,
            "Name": "/web",
            "Created": "2024-05-01T10:00:00.123456789Z",
            "State": {
                "Status": "running",
                "Running": True,
                "Paused": False,
                "Restarting": False,
                "Dead": False,
                "Pid": 4711,
            },
            "HostConfig": {"NetworkMode": "default"},
            "Config": {
                "Hostname": "aaaaaaaaaaaa",
                "Image": "nginx:1.25",
                "Env": ["PATH=/bin", "EMPTY=", "EQ=a=b"],
                "Labels": {"SERVICE_NAME": "web"},
                "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
            },
            "NetworkSettings": {
                "Ports": {
                    "80/tcp": [
                        {"HostIp": "0.0.0.0", "HostPort": "8080"},
                        {"HostIp": "::", "HostPort": "8080"},
                    ],
                    "443/tcp": None,
                },
                "IPAddress": "172.17.0.2",
                "Networks": {
                    "bridge": {
                        "NetworkID": "b" * 64,
                        "IPAddress": "172.17.0.2",
                        "GlobalIPv6Address": "",
                    }
                },
            },
        }
        for name, section in sections.items():
            merge = isinstance(section, dict) and isinstance(found.get(name), dict)
            found[name] = found[name] | section if merge else section
        return found

    return make


@pytest.fixture
def entry():
    """Makes an entry of an engine's list that fits what `inspected` makes."""

    def make(**fields):
        return {
            "Id": ID,
            "Names": ["/web"],
            "Image": "nginx:1.25",
            "State": "running",
            "Status": "Up 3 hours",
            "Labels": {"SERVICE_NAME": "web"},
            "Ports": [
                {"PrivatePort": 443, "Type": "tcp"},
                {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            ],
            "HostConfig": {"NetworkMode": "default"},
            "NetworkSettings": {
                "Networks": {"bridge": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""}}
            },
        } | fields

    return make
