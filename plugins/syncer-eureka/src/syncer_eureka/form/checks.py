"""Checks for Eureka, which runs none: syncer does, and publishes a URL to consumers."""

from collections.abc import Callable

from syncer import Check, Instance, Native, Probe, Problem, Shown, bracketed, probing
from syncer_eureka.options import EurekaOptions

Answer = Probe | Shown | Problem | None
#: The key of the URL in the definition of a `Shown`.
URL = "url"


def translator(options: EurekaOptions) -> Callable[[Check, Instance], Answer]:
    """Make every check a probe; publish that of a plain GET as `healthCheckUrl`, too.

    One at another address is not published: consumers would be led there.
    """
    probe = probing(options)

    def translate(check: Check, instance: Instance) -> Answer:
        answer = probe(check, instance)
        if not isinstance(answer, Probe) or answer.kind not in ("http", "https"):
            return answer
        if answer.method != "GET" or answer.headers or answer.body:
            return answer
        if answer.address != instance.address:
            return answer
        url = f"{answer.kind}://{bracketed(answer.address)}:{answer.port}{answer.path}"
        return Shown(answer, Native(key=check.key, definition={URL: url}))

    return translate


def health_url(instance: Instance) -> str:
    """Return the URL of the first check that is shown; "" if there is none."""
    urls = (one.definition.get(URL) for one in instance.checks if isinstance(one, Native))
    return next((str(url) for url in urls if url), "")
