"""Checks for Eureka, which runs none: syncer does, and publishes a URL to consumers."""

from collections.abc import Callable

from syncer import Check, Instance, Native, Probe, Problem, Shown, bracketed, probing
from syncer_eureka.options import EurekaOptions

Answer = Probe | Shown | Problem | None
#: The key of the URL in the definition of a `Shown`.
URL = "url"


def translator(options: EurekaOptions) -> Callable[[Check, Instance], Answer]:
    """Make every check a probe; publish that of a plain GET as `healthCheckUrl`, too."""
    probe = probing(options)

    def translate(check: Check, instance: Instance) -> Answer:
        answer = probe(check, instance)
        if isinstance(answer, Probe) and answer.kind in ("http", "https") and _plain(answer):
            return Shown(answer, Native(key=check.key, definition={URL: _url(answer)}))
        return answer

    return translate


def health_url(instance: Instance) -> str:
    """Return the URL of the first check that is shown; "" if there is none."""
    urls = (one.definition.get(URL) for one in instance.checks if isinstance(one, Native))
    return next((str(url) for url in urls if url), "")


def _plain(probe: Probe) -> bool:
    return probe.method == "GET" and not probe.headers and not probe.body


def _url(probe: Probe) -> str:
    return f"{probe.kind}://{bracketed(probe.address)}:{probe.port}{probe.path}"
