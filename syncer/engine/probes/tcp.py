"""Probes of tcp: passing if a connection opens, with TLS if the certificate is valid."""

import asyncio

from syncer.api.checks import CheckResult, CheckStatus, Probe
from syncer.engine.probes.places import Places
from syncer.engine.probes.tls import client_context


class TcpProber:
    """Connects, and sends nothing."""

    async def __call__(self, probe: Probe, places: Places) -> CheckResult:
        """Connect once. Raises OSError (ssl.SSLError included) and TimeoutError."""
        context = client_context(verify=not probe.tls_skip_verify) if probe.tls else None
        name = (probe.tls_server_name or probe.address) if probe.tls else None
        failure = OSError("no address")
        for address in places.addresses:
            connecting = asyncio.open_connection(
                address, probe.port, ssl=context, server_hostname=name
            )
            try:
                _, writer = await asyncio.wait_for(connecting, probe.timeout)
            except OSError as error:
                failure = error
                continue
            writer.transport.abort()
            return CheckResult(status=CheckStatus.PASSING, output="connected")
        raise failure
