"""Labels by the service that they are about."""

from collections.abc import Mapping

from syncer.kits.labels import (
    LONGEST_NAME,
    Problems,
    Setting,
    Settings,
    as_meant,
    report_quotes,
    unfit,
)

#: Services of one workload that are read.
MOST_SERVICES = 100


def split_labels(
    labels: Mapping[str, str], prefix: str, problems: Problems
) -> tuple[Mapping[str, Settings], Settings]:
    """Return the settings of each service by its word, and those of the whole workload."""
    by_service: dict[str, dict[str, Setting]] = {}
    for_workload: dict[str, Setting] = {}
    for label in sorted(labels):
        if not label.startswith(prefix):
            continue
        service, dot, key = label.removeprefix(prefix).partition(".")
        key = _normalised(key)
        setting = Setting(label, _value(label, labels[label], key, problems))
        if not dot:
            for_workload[service.lower()] = setting
        elif _usable(label, service, problems):
            by_service.setdefault(service, {})[key] = setting
    if (count := len(by_service)) > MOST_SERVICES:
        problems.add(prefix, f"only the first {MOST_SERVICES} of {count} services are read")
    services = {
        service: Settings(f"{prefix}{service}.", by_service[service], problems)
        for service in list(by_service)[:MOST_SERVICES]
    }
    return services, Settings(prefix, for_workload, problems)


def _value(label: str, value: str, key: str, problems: Problems) -> str:
    """Return the value without what the way to the container added, unless it is free text."""
    if key.startswith("meta."):
        report_quotes(label, value, problems)
    elif not (".header." in key or key.endswith(".body")):
        return as_meant(label, value, problems)
    return value


def _usable(label: str, service: str, problems: Problems) -> bool:
    reason = unfit(label, LONGEST_NAME)
    if reason:
        problems.add(label, f"the label {reason}")
    elif not service.strip():
        problems.add(label, "no service is named")
    return not reason and bool(service.strip())


def _normalised(key: str) -> str:
    """Return the key in lower case with hyphens; names of metadata and headers stay as they are."""
    first, dot, rest = key.partition(".")
    first = first.lower().replace("_", "-")
    if first == "meta":
        return f"{first}{dot}{rest}"
    if ".header." in f".{rest}":
        before, header, after = rest.partition("header.")
        return f"{first}{dot}{before.lower().replace('_', '-')}{header}{after}"
    return f"{first}{dot}{rest.lower().replace('_', '-')}"
