"""The settings of the status page, its API and the metrics, which `syncer.web` serves."""

from ipaddress import ip_address

import attrs

from syncer.api.fields import one_of, within
from syncer.api.options import Secret, for_header, option
from syncer.api.text import shown
from syncer.desired.networking import is_loopback

_EXAMPLE = "127.0.0.1:8520"


def address_of(listen: str) -> tuple[str, int]:
    """Split `HOST:PORT`, `[HOST]:PORT` or `:PORT`. Raises ValueError with a reason."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"must be an address and a port, like {_EXAMPLE}, not {shown(listen)}")
    host = host.removeprefix("[").removesuffix("]") or "0.0.0.0"
    try:
        return str(ip_address("127.0.0.1" if host == "localhost" else host)), int(port)
    except ValueError:
        text = f"must be an address of this host, like {_EXAMPLE}, not {shown(listen)}"
        raise ValueError(text) from None


def _listen(instance: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if value:
        address_of(value)


@attrs.frozen(kw_only=True)
class WebRules:
    """The table `web`."""

    listen: str = option(
        "",
        help=f"Address and port of status page, API and metrics, like {_EXAMPLE}; empty: off",
        validator=_listen,
    )
    token: Secret = option(
        Secret(""),
        help="Token required to change anything; without it the page is read-only",
        env=("SYNCER_WEB_TOKEN",),
        validator=for_header,
    )
    token_for: str = option(
        "changes",
        help="What requires the token: changes, or all (except /healthz and /readyz)",
        validator=one_of("changes", "all"),
    )
    hosts: tuple[str, ...] = option(
        (), help="Host names to accept in requests, besides addresses, localhost and this host's"
    )
    streams: int = option(
        16, help="Pages updated live at the same time; others poll", validator=within(1, 200)
    )

    def warnings(self) -> tuple[str, ...]:
        """Return what a person should change in these settings."""
        if not self.listen or self.token_for == "all" and self.token:
            return ()
        if is_loopback(address_of(self.listen)[0]):
            return ()
        text = f"web.listen: anyone who can reach {self.listen} can read the status page"
        return (f'{text}: set web.token and web.token_for = "all"',)
