"""How a probe checks certificates: against the system's authorities, or not at all."""

import ssl
from functools import cache


@cache
def client_context(*, verify: bool) -> ssl.SSLContext:
    """A context for clients, made once: to read all authorities takes its time."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
