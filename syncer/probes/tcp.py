"""Probes of tcp: a connection that opens is passing; with TLS, one whose certificate is good."""

import asyncio

from syncer.checks import CheckResult, CheckStatus, Probe
from syncer.probes.tls import client_context


async def probe_tcp(probe: Probe) -> CheckResult:
    """Connect once. Raises OSError (ssl.SSLError included) and TimeoutError."""
    context = client_context(verify=not probe.tls_skip_verify) if probe.tls else None
    name = (probe.tls_server_name or probe.address) if probe.tls else None
    connecting = asyncio.open_connection(
        probe.address, probe.port, ssl=context, server_hostname=name
    )
    _, writer = await asyncio.wait_for(connecting, probe.timeout)
    writer.transport.abort()
    return CheckResult(status=CheckStatus.PASSING, output="connected")
