"""Probes of grpc: the standard health service must answer SERVING.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md. Its two messages are small enough
to encode and decode here.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import grpc

from syncer.api.checks import CheckResult, CheckStatus, Probe
from syncer.api.fields import bracketed, is_address
from syncer.engine.probes.places import Places

#: How many bytes an answer may have; a status has two.
LONGEST_ANSWER = 4096

_METHOD = "/grpc.health.v1.Health/Check"
#: Field 1 is the service's name in the request, and its status in the response.
_NAME_FIELD, _STATUS_FIELD = b"\x0a", 0x08
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


class GrpcProber:
    """Makes calls in threads of its own, each on a channel of its own.

    grpc's own event loop works in the main thread only. There are up to `most` threads, one for
    each concurrent call, so that no call waits for a thread until its time is over. Without
    `show` results have no text of the server's.
    """

    def __init__(self, most: int, *, show: bool = False) -> None:
        self._show = show
        self._threads = ThreadPoolExecutor(most, "syncer grpc probe")

    async def __call__(self, probe: Probe, places: Places) -> CheckResult:
        """Call once. Raises OSError with grpc's own message."""
        loop = asyncio.get_running_loop()
        with _channel(probe, places.addresses) as channel:  # closed, it ends a call that hangs
            answer = await loop.run_in_executor(self._threads, _call, channel, probe, self._show)
        status = _STATUSES[answer] if answer < len(_STATUSES) else str(answer)
        good = status == "SERVING"
        return CheckResult(
            status=CheckStatus.PASSING if good else CheckStatus.CRITICAL, output=status
        )

    async def close(self) -> None:
        """Start no more calls; running ones end by their deadlines."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _call(channel: grpc.Channel, probe: Probe, show: bool) -> int:
    name = probe.path.encode()
    check = channel.unary_unary(_METHOD)
    try:
        answer = check(_NAME_FIELD + _varint(len(name)) + name, timeout=probe.timeout)
    except grpc.RpcError as error:
        said = f": {error.details()}" if show else ""  # it may be the server's own text
        raise ConnectionError(f"{error.code().name}{said}") from None
    return _read_status(answer)


def _channel(probe: Probe, addresses: tuple[str, ...]) -> grpc.Channel:
    # grpc must not resolve the name: it could find another address than the one that was checked.
    family = "ipv6" if ":" in addresses[0] else "ipv4"
    same = [address for address in addresses if (":" in address) is (family == "ipv6")]
    target = f"{family}:" + ",".join(f"{bracketed(address)}:{probe.port}" for address in same)
    # A probe must see the server as it is now, not through a shared connection.
    options: list[tuple[str, int | str]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_receive_message_length", LONGEST_ANSWER),
    ]
    if not is_address(probe.address):
        options.append(("grpc.default_authority", f"{probe.address}:{probe.port}"))
    if not probe.tls:
        return grpc.insecure_channel(target, options)
    if not is_address(probe.address) or probe.tls_server_name:
        name = probe.tls_server_name or probe.address
        options.append(("grpc.ssl_target_name_override", name))
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(), options)


def _varint(number: int) -> bytes:
    """Encode a number in protobuf's form: seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 127:  # noqa: PLR2004 - seven bits
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _read_status(answer: bytes) -> int:
    """Decode the status in a HealthCheckResponse; 0 if absent."""
    if len(answer) < 2 or answer[0] != _STATUS_FIELD:  # noqa: PLR2004 - a key and a value
        return 0
    return answer[1]
