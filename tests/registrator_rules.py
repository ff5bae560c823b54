"""Reads tests/registrator_rules.txt: containers, flags, and what stands in Consul for them."""

import argparse
import re
import shlex
from pathlib import Path

import attrs

RULES = Path(__file__).with_suffix(".txt")
HOST, NAME, ID = "vm", "box", "c0ffee000000" + "0" * 52
NETWORKS = {"bridge": "172.17.0.2", "back": "10.20.0.2", "front": "10.30.0.2"}
USUAL = "10.0.0.5:18000"
_PLACE = re.compile(r"[^\s=]*:\d+")
_KEY = re.compile(r"\$?[^-\s=][^\s=]*=.*|=.*", re.DOTALL)


@attrs.frozen(kw_only=True)
class Case:
    """A container with flags, its entries, and registrator's where they differ."""

    line: int
    flags: tuple[str, ...]
    run: str
    entries: tuple[str, ...]
    registrator: tuple[str, ...]
    because: str


def cases():
    """Return all cases of the file."""
    found, flags = [], ()
    for number, text in enumerate(RULES.read_text().splitlines(), 1):
        if text.startswith("$") and text[1:2] in ("", " "):
            flags = tuple(shlex.split(text[1:]))
        elif text.startswith("  "):
            found[-1][1].append(text.strip())
        elif text and not text.startswith("#"):
            found.append(((number, flags, text), []))
    return [_case(*head, lines) for head, lines in found]


def _case(line, flags, run, lines):
    def of(word):
        return tuple(one.removeprefix(word).strip() for one in lines if one.startswith(word))

    registrator, because = of("registrator:"), of("because:")
    entries = lines[: len(lines) - len(registrator) - len(because)]
    return Case(
        line=line,
        flags=flags,
        run=run,
        entries=tuple(one for one in entries if one != "-"),
        registrator=registrator,
        because="".join(because),
    )


def words_of(entry):
    """Return an entry's words in full: service, place, and the others as a set."""
    service, *more = shlex.split(entry)
    place = more.pop(0) if more and _PLACE.fullmatch(more[0]) else USUAL
    return service, place, frozenset(one.replace("@", place) for one in more)


def _parser():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("-p", "-l", "--expose", "--network"):
        parser.add_argument(name, action="append", default=[])
    for name, value in (("image", "acme/shop:1.2"), ("name", NAME), ("state", "running")):
        parser.add_argument(f"--{name}", default=value)
    parser.add_argument("--health", default="")
    return parser


def container(run):
    """Return `docker inspect` of a container, as Docker 20.10 describes it."""
    every = shlex.split(run)
    keys = [word for at, word in enumerate(every) if _is_key(every, at)]
    given = _parser().parse_args([w for at, w in enumerate(every) if not _is_key(every, at)])
    if not (given.p or given.expose or given.network):
        given.p = ["18000:8000"]
    labels = dict(pair.split("=", 1) for pair in given.l)
    labels |= _prefixed(key for key in keys if key[0] != "$")
    env = _prefixed(key[1:] for key in keys if key[0] == "$")
    mode = given.network[0] if given.network else "default"
    bound = _published(given.p)
    exposed = {*bound, *(one if "/" in one else f"{one}/tcp" for one in given.expose)}
    on_bridges = mode not in ("host", "none")
    return {
        "Id": ID,
        "Name": f"/{given.name}",
        "State": _state(given.state, given.health),
        "Config": {
            "Hostname": ID[:12],
            "Image": given.image,
            "Labels": labels,
            "Env": [f"{key}={value}" for key, value in env.items()],
            "ExposedPorts": {key: {} for key in sorted(exposed)} or None,
        },
        "HostConfig": {"NetworkMode": mode, "PortBindings": bound},
        "NetworkSettings": {
            "Ports": {key: bound.get(key) for key in sorted(exposed)} if on_bridges else {},
            "Networks": {
                name: {"NetworkID": f"id-of-{name}", "IPAddress": NETWORKS.get(name, "")}
                for name in (given.network or ["bridge"])
            },
        },
    }


def _is_key(words, at):
    return bool(_KEY.fullmatch(words[at])) and (at == 0 or words[at - 1] not in ("-l", "-p"))


def _prefixed(pairs):
    return {f"SERVICE_{key}": value for key, value in (pair.split("=", 1) for pair in pairs)}


def _state(word, health):
    running = word in ("running", "paused", "restarting")
    state = {"Status": word, "Running": running, "Paused": word == "paused", "Pid": int(running)}
    return state | ({"Health": {"Status": health}} if health else {})


def _published(options):
    """Return the bindings by container port; without an address Docker binds both families."""
    bound = {}
    for option in options:
        address, host, inner, protocol = re.fullmatch(
            r"(?:(\[.+\]|[\d.]+):)?([\d-]+):([\d-]+)(?:/(\w+))?", option
        ).groups()
        addresses = [address.strip("[]")] if address else ["0.0.0.0", "::"]
        for number, published in zip(_range(inner), _range(host), strict=True):
            bound.setdefault(f"{number}/{protocol or 'tcp'}", []).extend(
                {"HostIp": at, "HostPort": str(published)} for at in addresses
            )
    return bound


def _range(text):
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)
