"""The command `status`: asks a running syncer how it is, by the API of its status page.

Slow imports are inside the functions that need them.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from syncer.api.errors import PermanentError, TemporaryError
from syncer.api.text import many
from syncer.cli.daemon.page import LISTEN
from syncer.cli.help import Command
from syncer.cli.shared import FAILED, settings_of_file

#: Seconds to wait for an answer.
_TIMEOUT = 5.0
#: Keys of every answer of this version.
_KEYS = {"host", "in_sync", "refused", "sinks", "sources", "uptime", "version"}
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@click.command(cls=Command, short_help="Ask the running syncer: is everything in sync?")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--web",
    metavar="ADDRESS",
    help=f"Address of its status page. [default: web.listen of the file, else {LISTEN}]",
)
@settings_of_file
def status(as_json: bool, web: str | None, rules: Any) -> int:
    """Ask the running syncer whether everything is in sync, and what fails since when.

    It must serve its status page (`run --web`, or web.listen in the file). If reading needs the
    token, it is taken from the file or SYNCER_WEB_TOKEN. Exit code 0 if everything is in sync, 1 if
    not, 5 if nothing answers, 6 if the answer is refused.
    """
    from syncer.cli import terminal

    found = _asked(_url(web or rules.listen or LISTEN), rules.token.reveal())
    if as_json:
        terminal.emit(found)
    else:
        for line in _lines(found):
            terminal.line(line)
    return 0 if found["in_sync"] else FAILED


def _url(address: str) -> str:
    """Return the URL of an address as `web.listen` or a browser has it."""
    if "://" in address:
        return address.rstrip("/")
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        host, port = address, LISTEN.rpartition(":")[2]
    if host in ("", "0.0.0.0", "[::]"):  # it listens everywhere: also here  # noqa: S104
        host = "localhost" if host == "[::]" else "127.0.0.1"
    return f"http://{host}:{port}"


def _asked(url: str, token: str) -> dict[str, Any]:
    """Return the summary of the syncer there. Raises TemporaryError or PermanentError."""
    import http.client
    import urllib.error
    import urllib.request

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{url}/api/v1/status", headers=headers)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        hint = ": set SYNCER_WEB_TOKEN to its web.token" if error.code == 401 else ""
        raise PermanentError(f"{url} refused with status {error.code}{hint}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        text = getattr(why, "strerror", None) or why
        hint = "is it running, with --web or web.listen? `--web ADDRESS` asks another address"
        raise TemporaryError(f"no syncer answers at {url}: {text}; {hint}") from error
    if not isinstance(found, dict) or not found.keys() >= _KEYS:
        raise PermanentError(f"{url} is not the status page of a syncer of this version")
    return found


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    from syncer.api.left_out import heading

    word = "in sync" if found["in_sync"] else "not in sync"
    running = f"running for {_span(found['uptime'])}, version {found['version']}"
    yield f"{found['host']}: {word}; {running}"
    if found["refused"]:
        yield f"  configuration refused: {'; '.join(found['refused']['problems'])}"
    for source in found["sources"]:
        text = ", ".join(many(source[f"{noun}s"], noun) for noun in ("workload", "instance"))
        yield f"  {source['name']:<12}  {_state(source, text)}"
    for sink in found["sinks"]:
        counts = f"{sink['registered']} of {sink['wanted']} registered"
        yield f"  {sink['name']:<12}  {_state(sink, counts)}{_held(sink)}"
    if ill := found.get("statuses", {}).get("unhealthy"):
        yield f"  unhealthy: {many(ill, 'instance')}; `syncer explain NAME` says why"
    above = ""
    for one in found.get("not_registered", ()):
        if (head := heading(one["workload"], one["kind"])) != above:
            above = head
            yield f"  {head}:"
        port = f" port {one['port']}" if one["port"] else ""
        who = f"{one['workload']}{port}: " if one["workload"] else ""
        yield f"    {one['source']}: {who}{one['reason']}"
        if one.get("more"):
            yield f"    {one['source']}: and {one['more']} more of {one['workload']}"


def _state(part: Mapping[str, Any], text: str) -> str:
    """Return the text of a part that works; of one that fails its error, and since when."""
    read = f"read {_span(part['age'])} ago" if part["age"] is not None else "never read"
    why = f": {part['why']}" if part["why"] else ""
    if part["state"] == "working":
        return f"{text}, {read}{why}"
    since = f" since {at}" if (at := _clock(part)) else ""
    again = part["retry_in"]
    tries = "" if again is None else f", next try in {again} s" if again else ", trying now"
    return f"{part['state']}{since}{why}; {read}{tries}"


def _clock(part: Mapping[str, Any]) -> str:
    """Return since when a part fails, by the clock of this machine; "" if that is unknown."""
    if not part["since"]:
        return ""
    at = datetime.fromisoformat(part["since"]).astimezone()
    return f"{at:%H:%M:%S}" if at.date() == datetime.now().astimezone().date() else f"{at:%F %H:%M}"


def _held(sink: Mapping[str, Any]) -> str:
    failed = [f"{sink['failed']} failed"] if sink["failed"] else []
    held = [f"{number} {kind}" for kind, number in sink["skips"].items()]
    expires = ["renewals fail"] if sink["pulse"] and sink["pulse"]["why"] else []
    return "".join(f", {text}" for text in (*failed, *held, *expires))


def _span(seconds: float) -> str:
    """Return a length of time by its two largest units: `3 d 4 h`."""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        number, left = divmod(left, size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])
