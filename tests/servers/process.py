"""Start, stop, kill, freeze and await server processes."""

import contextlib
import functools
import itertools
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from servers.waiting import wait_until

# Below the range from which Linux takes ports for connections and for servers that ask for any.
FIRST_PORT, BLOCK, BLOCKS = 20000, 400, 30


@functools.cache
def _own_ports():
    """Ports in turn, of a block that no other test process gives out while this one lives."""
    for number in range(BLOCKS):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0syncer-tests-ports-{number}")
        except OSError:
            claim.close()
            continue
        claim.detach()  # open until the process ends
        block = range(FIRST_PORT + number * BLOCK, FIRST_PORT + (number + 1) * BLOCK)
        begin = random.randrange(BLOCK)  # not where the last run began as well
        return itertools.cycle([*block[begin:], *block[:begin]])
    raise RuntimeError(f"more than {BLOCKS} test processes at once")


def free_ports(count, host="127.0.0.1"):
    """`count` different ports that are free for TCP and UDP on `host`.

    Nobody else listens on them later either: a server that is down is one that refuses, and it can
    be started again. This is not so with the port that a server on port 0 has had.
    """
    tried = itertools.islice(_own_ports(), BLOCK)
    found = list(itertools.islice((port for port in tried if _is_free(host, port)), count))
    if len(found) < count:
        raise RuntimeError(f"fewer than {count} free ports on {host}")
    return found


def free_port(host="127.0.0.1"):
    """One such port."""
    return free_ports(1, host)[0]


def _is_free(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


class Guard:
    """The test run's hold on its servers; see `servers.guard`.

    `folder` is where servers keep their files. It goes with the guard, unless the
    environment has TEST_KEEP=1, which keeps the logs.
    """

    def __init__(self):
        # Unix sockets live here, and their paths must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="syncer-"))
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("guard.py")), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self, argv, log, env):
        """Start a server and return its pid; `OSError` if the program cannot be started."""
        answer = self._ask({"argv": [str(a) for a in argv], "log": str(log), "env": env})
        if isinstance(answer, str):
            raise OSError(answer)
        return answer

    def at_exit(self, argv):
        """Have `argv` run when all servers are dead."""
        self._ask({"at_exit": argv})

    def close(self):
        """Kill what is left and remove the folder."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Server:
    """One server process, which can be started again after it ended.

    Signals go by pidfd: never to a stranger that was given the same pid later.
    """

    def __init__(self, guard, name, argv, env=None):
        self._guard, self.name, self.argv = guard, name, argv
        self.env = dict(os.environ) | (env or {})
        self.log = guard.folder / f"{name}.log"
        self.pid = None
        self._pidfd = None

    def start(self, answers, deadline=30):
        """Start the process and wait until `answers()` is true."""
        self.begin()
        self.wait_for(answers, deadline)

    def begin(self):
        """Start the process and do not wait."""
        self.pid = self._guard.start(self.argv, self.log, self.env)
        with contextlib.suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(self.pid)

    def wait_for(self, answers, deadline=30):
        """Wait until `answers()` is true.

        Errors of the network mean "not yet"; a process that ends is not waited for. If it
        does not come up, it is killed, and the error ends with its log.
        """

        def up_or_gone():
            return not self.running() or answers()

        try:
            wait_until(up_or_gone, deadline, f"{self.name} to answer", ignore=(OSError,))
            if not self.running():
                raise RuntimeError(f"{self.name} ended at once")
        except (AssertionError, RuntimeError) as error:
            self.kill()
            raise RuntimeError(f"{error}; its log ends:\n{self.tail()}") from error

    def running(self):
        """Whether the process is there (frozen ones are)."""
        return self._pidfd is not None and not select.select([self._pidfd], [], [], 0)[0]

    def signal(self, number):
        """Send a signal; nothing happens if the process has ended."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def freeze(self):
        """Stop it from answering while its connections stay open."""
        self.signal(signal.SIGSTOP)
        # A thread that runs just now goes on for a moment.
        wait_until(self._is_stopped, 30, f"{self.name} to stop")

    def _is_stopped(self):
        try:
            threads = [path.read_text() for path in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except OSError:  # one has just ended
            return False
        # The name, in brackets, may hold brackets itself; the state comes next.
        return all(thread.rpartition(") ")[2][0] in "TZ" for thread in threads)

    def thaw(self):
        """Let a frozen process go on."""
        self.signal(signal.SIGCONT)

    def stop(self, deadline=20):
        """End it politely; kill it if it does not end within `deadline` seconds."""
        self.thaw()
        self.signal(signal.SIGTERM)
        self._await_end(deadline)
        self.kill()

    def kill(self):
        """End it at once, as a crash does."""
        self.signal(signal.SIGKILL)
        self._await_end(10)
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def tail(self, lines=30):
        """The last lines of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _await_end(self, deadline):
        if self._pidfd is not None:
            select.select([self._pidfd], [], [], deadline)
