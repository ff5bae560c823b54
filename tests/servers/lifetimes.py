"""What the fixtures of every kind of server do: find its program, start it, clean it, end it."""

import os
from importlib import import_module

import pytest

from servers.usage import USAGE


def program(config, server, module):
    """The module of `servers` with this name, once it is sure that there is something to run."""
    found = import_module(f"servers.{module}")
    if missing := found.missing():
        leave_out(config, server, missing)
    config.stash[USAGE].versions[server] = found.version()
    return found


def running(config, name, server):
    """Yields a server that runs meanwhile; `name` is how the summary calls it."""
    start(config, name, server.start)
    yield server
    server.stop()


def cleaned(server):
    """Yields a server that is clean before and after."""
    server.clean()
    yield server
    server.clean()


def starting(make):
    """Yields a function that starts what `make` makes; all are killed in the end."""
    started = []

    def make_and_start(*args, **options):
        server = make(*args, **options)
        started.append(server)
        server.start()
        return server

    yield make_and_start
    for server in started:
        server.kill()


def leave_out(config, server, reason):
    """Skip a test whose server cannot be had here, or fail it, and remember why."""
    config.stash[USAGE].left_out[server] = reason
    if os.environ.get("TEST_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{server}: {reason}", pytrace=False)
    pytest.skip(f"{server}: {reason}")


def start(config, server, how):
    """Start a server; one that is installed may still not run here (in a container, say)."""
    try:
        how()
    except Exception as error:
        first, *rest = str(error).splitlines()
        leave_out(config, server, "; ".join([f"does not start: {first}", *rest[-1:]]))
