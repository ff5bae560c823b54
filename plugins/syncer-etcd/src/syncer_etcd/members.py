"""The members of the cluster: one connection to each, made when it is first used.

One member is asked until it fails, then the next: a client that moves on with every request would
find each dead member again and again.
"""

from threading import Lock
from typing import Any

import attrs
import grpc
from pyetcd import etcdrpc

from syncer import TemporaryError
from syncer.kits.tls import TlsFiles
from syncer_etcd.options import Endpoint, EtcdOptions

#: A member that is back is found soon. A dead connection is noticed by pings while calls are open
#: on it (etcd allows one every five seconds); grpc's own pings, which measure it, have the same
#: deadline, since no other ping is sent meanwhile. The size of answers is limited by etcd.
_CHANNEL = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)
_STUBS = (
    *(etcdrpc.KVStub, etcdrpc.LeaseStub, etcdrpc.AuthStub, etcdrpc.WatchStub),
    etcdrpc.MaintenanceStub,
)


@attrs.frozen
class Member:
    """A connection to one member, with etcd's services; `files` are those of its TLS."""

    address: str
    files: tuple[bytes | None, ...]
    channel: Any
    kv: Any
    lease: Any
    auth: Any
    watch: Any
    maintenance: Any


class Members:
    """All members, and the current one."""

    def __init__(self, options: EtcdOptions) -> None:
        self._endpoints = options.members
        self._options = options
        self._tls = None
        if options.secure:
            self._tls = TlsFiles(
                ca_file=options.ca_file,
                client_cert=options.client_cert,
                client_key=options.client_key,
            )
        self._made: dict[int, Member] = {}
        self._at = 0
        self._closed = False
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._endpoints)

    @property
    def addresses(self) -> str:
        """All addresses, for people."""
        return ", ".join(endpoint.address for endpoint in self._endpoints)

    def current(self) -> Member:
        """Return the member to ask. Raises TemporaryError once closed."""
        with self._lock:
            if self._closed:
                raise TemporaryError("the connection to etcd was closed")
            if self._at not in self._made:
                self._made[self._at] = self._open(self._endpoints[self._at])
            return self._made[self._at]

    def failed(self, member: Member) -> None:
        """Continue with the next member, unless another thread did already.

        If certificates were renewed meanwhile, a new connection is made.
        """
        with self._lock:
            if self._made.get(self._at) is not member:
                return
            if member.files != self._files():
                del self._made[self._at]
                member.channel.close()
            self._at = (self._at + 1) % len(self._endpoints)

    @property
    def problem(self) -> str:
        """Why the files of TLS cannot be used as they are now; "" if they can."""
        return self._tls.problem if self._tls else ""

    def close(self) -> None:
        """Close all connections, and whatever waits on them."""
        with self._lock:
            self._closed = True
            made = list(self._made.values())
        for member in made:
            member.channel.close()

    def _files(self) -> tuple[bytes | None, ...]:
        return self._tls.contents() if self._tls else ()

    def _open(self, endpoint: Endpoint) -> Member:
        options, files = self._options, self._files()
        settings: list[tuple[str, Any]] = list(_CHANNEL)
        if options.tls_server_name:
            settings.append(("grpc.ssl_target_name_override", options.tls_server_name))
        if options.secure:
            # Empty contents would make grpc trust every public authority, or end the process.
            authorities, certificate, key = files
            credentials = grpc.ssl_channel_credentials(authorities, key or certificate, certificate)
            channel = grpc.secure_channel(endpoint.address, credentials, options=settings)
        else:
            channel = grpc.insecure_channel(endpoint.address, options=settings)
        return Member(endpoint.address, files, channel, *(stub(channel) for stub in _STUBS))
