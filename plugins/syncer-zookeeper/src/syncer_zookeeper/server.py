"""The state of single servers, by ZooKeeper's command `srvr`: without session, user or rights.

A session is with any server of an ensemble; this also shows the others.
"""

import re
import socket
import ssl
import time

import attrs

from syncer import Finding, Level, bracketed

#: A longer answer, in bytes, is not ZooKeeper's.
_LARGEST = 64 * 1024
_VERSION = re.compile(r"^Zookeeper version: (\d[\w.]*)", re.IGNORECASE)
_MODE = re.compile(r"^Mode: (\S+)", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Server:
    """One server, and how to reach it; `timeout` is in seconds."""

    host: str
    port: int
    timeout: float
    tls: ssl.SSLContext | None = None

    @property
    def name(self) -> str:
        """`host:port`, for people."""
        return f"{bracketed(self.host)}:{self.port}"

    def look(self) -> Finding:
        """Report the server's state, as far as it tells."""
        try:
            said = self._said()
        except OSError as error:
            text = f"ZooKeeper at {self.name}: {_why(error, self.timeout)}"
            advice = "check that ZooKeeper runs there, and that the address is right"
            silent = isinstance(error, TimeoutError)
            return Finding(Level.PROBLEM, text, f"{advice}, and `tls`" if silent else advice)
        return _meaning(self.name, said)

    def _said(self) -> str:
        end = time.monotonic() + self.timeout
        with self._line() as line:
            line.sendall(b"srvr")
            said = b""
            while len(said) < _LARGEST:
                line.settimeout(max(end - time.monotonic(), 0.001))
                part = line.recv(4096)
                if not part:
                    break
                said += part
            return said.decode("utf-8", "replace")

    def _line(self) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        if self.tls is None:
            return plain
        try:
            return self.tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _meaning(name: str, said: str) -> Finding:
    if "not currently serving requests" in said:
        text = f"the server at {name} refuses requests: its ensemble has no quorum"
        advice = "check that more than half of the servers run, and reach each other"
        return Finding(Level.PROBLEM, text, advice)
    version, mode = _VERSION.search(said), _MODE.search(said)
    if version and mode:
        text = f"the server at {name} answers: version {version[1].rstrip('.')}, {mode[1]}"
        if mode[1] == "read-only":
            return Finding(Level.WARNING, text, "it has lost its ensemble, and is read-only")
        return Finding(Level.OK, text)
    if "not in the whitelist" in said:
        return Finding(Level.OK, f"the server at {name} answers, but hides its version")
    if said:
        what, more = "gives an answer that is not ZooKeeper's", ""
    else:
        what, more = "closes the connection", "; or this host has too many (maxClientCnxns)"
    advice = f"check that this is ZooKeeper's port, and that `tls` fits it{more}"
    return Finding(Level.PROBLEM, f"the server at {name} {what}", advice)


def _why(error: OSError, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return f"cannot be reached ({error.strerror or error})"
