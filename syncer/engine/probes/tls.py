"""TLS for probes: certificates are verified by the system's authorities, or not at all."""

import ssl
from functools import cache


@cache
def client_context(*, verify: bool) -> ssl.SSLContext:
    """Return a context for clients, made once: reading all authorities takes long."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
