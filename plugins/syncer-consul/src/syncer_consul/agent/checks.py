"""Translates checks into Consul's check definitions."""

from collections.abc import Callable, Mapping
from typing import Any

from syncer import Check, Instance, Native, Problem, bracketed
from syncer_consul.options import ConsulOptions

DEFAULT_INTERVAL = 10.0


class Unusable(Exception):
    """A check that cannot be translated; the text says why."""


def duration(seconds: float) -> str:
    """Return a duration in Go's notation, to the millisecond."""
    whole = round(seconds * 1000)
    return f"{whole // 1000}s" if whole % 1000 == 0 else f"{whole}ms"


class Translator:
    """Turns a check into a `Native` with Consul's definition, or says why it cannot.

    Pure: it knows no agent and no version. Fields that an agent is too old for are removed later.
    """

    def __init__(self, options: ConsulOptions) -> None:
        self._scripts = options.script_checks
        self._ttl: float = options.health_ttl.total_seconds()

    def __call__(self, check: Check, instance: Instance) -> Native | Problem:
        """Return the check in Consul's form."""
        make = _KINDS.get(check.kind)
        if make is None:
            return Problem(f"check {check.key}: Consul knows no checks of kind {check.kind!r}")
        try:
            definition = make(self, check, instance)
        except Unusable as error:
            return Problem(f"check {check.key}: {error}")
        fed = check.kind == "container" or (check.kind == "ttl" and check.fed)
        return Native(key=check.key, definition=_common(check) | definition, fed=fed)

    def _http(self, check: Check, instance: Instance) -> dict[str, Any]:
        scheme = "https" if check.kind == "https" or check.tls else "http"
        path = check.path if check.path.startswith("/") else f"/{check.path}"
        found: dict[str, Any] = {"HTTP": f"{scheme}://{_endpoint(check, instance)}{path}"}
        found |= _given(
            Method=check.method.upper(),
            Header={name: list(values) for name, values in check.headers.items()},
            Body=check.body,
            DisableRedirects=not check.follow_redirects,
        )
        return found | _timed(check) | (_tls(check) if scheme == "https" else {})

    def _tcp(self, check: Check, instance: Instance) -> dict[str, Any]:
        found: dict[str, Any] = {"TCP": _endpoint(check, instance)}
        if check.tls:
            found |= {"TCPUseTLS": True} | _tls(check)
        return found | _timed(check)

    def _udp(self, check: Check, instance: Instance) -> dict[str, Any]:
        return {"UDP": _endpoint(check, instance)} | _timed(check)

    def _grpc(self, check: Check, instance: Instance) -> dict[str, Any]:
        service = check.path.strip("/")
        target = _endpoint(check, instance) + (f"/{service}" if service else "")
        found: dict[str, Any] = {"GRPC": target}
        if check.tls:
            found |= {"GRPCUseTLS": True} | _tls(check)
        return found | _timed(check)

    def _h2ping(self, check: Check, instance: Instance) -> dict[str, Any]:
        found: dict[str, Any] = {"H2PING": _endpoint(check, instance)}
        if not check.tls:
            found["H2PingUseTLS"] = False  # Consul uses TLS by default
        return found | _timed(check) | (_tls(check) if check.tls else {})

    def _ttl_check(self, check: Check, instance: Instance) -> dict[str, Any]:
        if check.ttl is None and not check.fed:
            raise Unusable("a ttl check needs a duration")
        asked = check.ttl or self._ttl
        # Fed as often as health_ttl requires: a shorter TTL would expire in between.
        return {"TTL": duration(max(asked, self._ttl) if check.fed else asked)}

    def _container(self, check: Check, instance: Instance) -> dict[str, Any]:
        found = {"TTL": duration(self._ttl)}
        return found if check.name else {"Name": "health of the container"} | found

    def _alias(self, check: Check, instance: Instance) -> dict[str, Any]:
        if not check.alias:
            raise Unusable("an alias check needs the id of a service")
        return {"AliasService": check.alias}

    def _script(self, check: Check, instance: Instance) -> dict[str, Any]:
        return {"Args": self._command(check, instance)} | _timed(check)

    def _docker(self, check: Check, instance: Instance) -> dict[str, Any]:
        args = self._command(check, instance)
        if instance.origin is None:
            raise Unusable("the container of this instance is not known")
        found = {"DockerContainerID": instance.origin.workload, "Args": args}
        return found | _given(Shell=check.shell) | _timed(check)

    def _command(self, check: Check, instance: Instance) -> list[str]:
        if not self._scripts:
            raise Unusable(f"{check.kind} checks run commands and are off (script_checks)")
        if not check.command:
            raise Unusable("it has no command")
        address = check.address or instance.address
        port = str(instance.port if check.port is None else check.port)
        return [
            word.replace("$SERVICE_IP", address).replace("$SERVICE_PORT", port)
            for word in check.command
        ]


Make = Callable[[Translator, Check, Instance], dict[str, Any]]
_KINDS: Mapping[str, Make] = {
    "http": Translator._http,
    "https": Translator._http,
    "tcp": Translator._tcp,
    "udp": Translator._udp,
    "grpc": Translator._grpc,
    "h2ping": Translator._h2ping,
    "ttl": Translator._ttl_check,
    "container": Translator._container,
    "alias": Translator._alias,
    "script": Translator._script,
    "docker": Translator._docker,
}


def _endpoint(check: Check, instance: Instance) -> str:
    port = instance.port if check.port is None else check.port
    if not port:
        raise Unusable("the service has no port to check")
    return f"{bracketed(check.address.strip('[]') or instance.address)}:{port}"


def _common(check: Check) -> dict[str, Any]:
    return _given(
        Name=check.name,
        Notes=check.notes,
        Status=check.initial_status and check.initial_status.value,
        DeregisterCriticalServiceAfter=check.deregister_after and duration(check.deregister_after),
    )


def _timed(check: Check) -> dict[str, Any]:
    """Return how often Consul runs a check, and how many equal results change the status."""
    found: dict[str, Any] = {"Interval": duration(check.interval or DEFAULT_INTERVAL)}
    if check.timeout is not None:
        found["Timeout"] = duration(check.timeout)
    return found | _given(
        SuccessBeforePassing=check.success_before_passing,
        FailuresBeforeWarning=check.failures_before_warning,
        FailuresBeforeCritical=check.failures_before_critical,
    )


def _tls(check: Check) -> dict[str, Any]:
    return _given(TLSServerName=check.tls_server_name, TLSSkipVerify=check.tls_skip_verify)


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value other than Consul's default: nothing, 0 or false."""
    return {name: value for name, value in fields.items() if value}
