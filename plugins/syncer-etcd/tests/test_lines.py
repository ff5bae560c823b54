"""grpc writes lines of its own to standard error: none may stand between syncer's."""

import json
import os
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager, suppress
from threading import Thread

import pytest

_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


@contextmanager
def calming():
    """A server that finds every client too busy, as an etcd with a long keepalive minimum does."""
    debug = struct.pack(">II", 0, 11) + b"too_many_pings"
    goaway = struct.pack(">I", len(debug))[1:] + b"\7\0\0\0\0\0" + debug

    def serve():
        with suppress(OSError):  # it was closed
            while True:
                line, _ = server.accept()
                with line, suppress(OSError):
                    line.sendall(_SETTINGS)
                    line.recv(1000)
                    line.sendall(goaway)
                    line.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("verbosity", "raw"), [("", False), ("ERROR", True)])
def test_every_line_is_syncers(tmp_path, verbosity, raw):
    """Unless somebody asks grpc for its lines."""
    services = tmp_path / "services.toml"
    services.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
    environ = {key: text for key, text in os.environ.items() if key != "GRPC_VERBOSITY"}
    with calming() as port:
        sink = f"etcd://127.0.0.1:{port}/services?timeout=2s"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "syncer", "run", "--once", "--log-format", "json"),
                *("--source", f"file={services}", "--sink", sink),
            ],
            env=environ | ({"GRPC_VERBOSITY": verbosity} if verbosity else {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    lines = done.stderr.splitlines()
    assert [json.loads(line)["event"] for line in lines if line[:1] == "{"][
        -1
    ] == "sink etcd failed"
    assert any("too_many_pings" in line for line in lines if line[:1] != "{") is raw
