"""The parent of all servers that a test run starts, so that none outlives the run.

A test runner that is killed cannot clean up, and a Docker engine leaves shims and containers
that no longer are its children. So the runner starts this process, which starts the servers.
As a "child subreaper" it inherits whatever a dying server leaves behind; when its standard
input ends, because the runner closed it or is gone, it kills all its descendants and nothing
else, then unmounts and removes the run's folder.

Standard input takes one JSON object a line: {"argv": [...], "log": path, "env": {...}} starts a
server, answered by its pid or an error text; {"at_exit": [...]} is a command for the end,
answered by 0.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
KILL_DEADLINE = 20


def reap(*_):
    """Collect every dead child, inherited ones included."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def parents():
    """The parent of each process, by pid."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            # The command's name, in brackets, may hold blanks and brackets itself.
            found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
    return found


def descendants(root):
    """The pids of all processes below `root`."""
    known, below = parents(), {root}
    while more := {pid for pid, parent in known.items() if parent in below} - below:
        below |= more
    return below - {root}


def kill_descendants():
    """Kill until nothing is left: what dies hands its own children up to us."""
    end = time.monotonic() + KILL_DEADLINE
    while (pids := descendants(os.getpid())) and time.monotonic() < end:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        reap()


def unmount_below(folder):
    """Undo what a killed engine left mounted, the deepest first."""
    with open("/proc/self/mounts") as file:
        points = [line.split()[1] for line in file]
    for point in reversed(points):
        if point.startswith(folder + "/"):
            subprocess.run(["umount", "--lazy", point], check=False)


def start(request):
    """Start one server in a session of its own, away from the terminal's signals."""
    with open(request["log"], "ab") as log:
        return subprocess.Popen(
            request["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=request["env"],
            start_new_session=True,
        ).pid


def serve(at_exit):
    """Answer requests until the runner is gone."""
    for line in sys.stdin:
        request = json.loads(line)
        if "at_exit" in request:
            at_exit.append(request["at_exit"])
            answer = 0
        else:
            try:
                answer = start(request)
            except OSError as error:
                answer = str(error)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main(folder):
    """Serve, then leave no process, mount or file behind."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, reap)
    at_exit = []
    try:
        serve(at_exit)
    except BrokenPipeError:
        pass
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kill_descendants()
        for command in reversed(at_exit):
            subprocess.run(command, check=False)
        unmount_below(folder)
        if not os.environ.get("TEST_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
