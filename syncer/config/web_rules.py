"""The settings of the status page, its API and the metrics. What serves them is `syncer.web`."""

from ipaddress import ip_address

import attrs

from syncer.api.fields import within
from syncer.api.options import Secret, option
from syncer.desired.networking import is_loopback

_EXAMPLE = "127.0.0.1:8520"


def address_of(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[HOST]:PORT` or `:PORT`. Raises ValueError with a reason."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"must be an address and a port, like {_EXAMPLE}, not {listen!r}")
    host = host.removeprefix("[").removesuffix("]") or "0.0.0.0"
    try:
        return str(ip_address("127.0.0.1" if host == "localhost" else host)), int(port)
    except ValueError:
        text = f"must be an address of this host, like {_EXAMPLE}, not {listen!r}"
        raise ValueError(text) from None


def _listen(instance: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if value:
        address_of(value)


def _guarded(instance: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if value not in ("changes", "all"):
        raise ValueError(f"must be changes or all, not {value!r}")


@attrs.frozen(kw_only=True)
class WebRules:
    """The table `web`."""

    listen: str = option(
        "",
        help=f"Address and port of status page, API and metrics, like {_EXAMPLE}; empty: none",
        validator=_listen,
    )
    token: Secret = option(
        Secret(""),
        help="What a request that changes something must bring; without it nothing can be changed",
        env=("SYNCER_WEB_TOKEN",),
    )
    token_for: str = option(
        "changes",
        help="What needs the token: changes, or all (but /healthz and /readyz)",
        validator=_guarded,
    )
    hosts: tuple[str, ...] = option(
        (), help="Names by which it may be asked for, beside addresses, localhost and this host's"
    )
    streams: int = option(
        16, help="Pages that may be live at once; others ask now and then", validator=within(1, 200)
    )

    def warnings(self) -> tuple[str, ...]:
        """What a person should know of these settings."""
        if not self.listen or self.token_for == "all" and self.token:
            return ()
        if is_loopback(address_of(self.listen)[0]):
            return ()
        text = f"web.listen: who reaches {self.listen} sees what runs here, and no token is asked"
        return (f'{text}: set web.token, and web.token_for = "all"',)
