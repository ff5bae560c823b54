"""The flags of registrator and of its forks, and two of syncer's own."""

from collections.abc import Mapping

from syncer_registrator.go.flags import Flag, Kind

FLAGS = (
    Flag("ip", Kind.TEXT, "", "IP for ports mapped to the host"),
    Flag("internal", Kind.SWITCH, False, "Use internal ports instead of published ones"),
    Flag("explicit", Kind.SWITCH, False, "Only register containers which have SERVICE_NAME set"),
    Flag("useIpFromLabel", Kind.TEXT, "", "Use the IP in this label of the container"),
    Flag("tags", Kind.TEXT, "", "Append tags for all registered services (Go templates)"),
    Flag("ttl", Kind.NUMBER, 0, "TTL of entries in seconds (etcd only)"),
    Flag("ttl-refresh", Kind.NUMBER, 0, "Required with -ttl; syncer renews three times per TTL"),
    Flag("resync", Kind.NUMBER, 0, "Seconds between full reads of Docker and the registry"),
    Flag("deregister", Kind.TEXT, "always", "Deregister exited services: always"),
    Flag("cleanup", Kind.SWITCH, False, "Remove this host's entries whose containers are gone"),
    Flag("retry-attempts", Kind.NUMBER, 0, "Accepted and ignored: syncer retries without end"),
    Flag("retry-interval", Kind.NUMBER, 2000, "Accepted and ignored (milliseconds)"),
    Flag("version", Kind.SWITCH, False, "Print the version"),
)

FORKS = (
    Flag("require-label", Kind.SWITCH, False, "Only register containers labelled SERVICE_REGISTER"),
    Flag("deregister-on-stop", Kind.SWITCH, False, "Deregister when a container begins to stop"),
    Flag("useIpFromNetworkName", Kind.TEXT, "", "Use the container's IP in this network"),
    Flag("ip-from-container", Kind.SWITCH, False, "Not supported; use -internal"),
    Flag("ip-lookup-source", Kind.TEXT, "", "Not supported; use -ip"),
    Flag("ip-lookup-retries", Kind.NUMBER, 1, "Accepted and ignored"),
    Flag("exit-on-ip-lookup-failure", Kind.SWITCH, False, "Accepted and ignored"),
    Flag("status-addr", Kind.TEXT, "", "Not supported; use the configuration file"),
    Flag("debug", Kind.SWITCH, False, "Accepted and ignored"),
)

OURS = (
    Flag("adopt", Kind.TEXT, "", "Also take over entries of this host (repeatable)", many=True),
    Flag("print-config", Kind.SWITCH, False, "Print the equivalent configuration, and exit"),
)

ALL = (*FLAGS, *FORKS, *OURS)

#: Flags that are not supported, with what to do instead.
UNSUPPORTED: Mapping[str, str] = {
    "ip-from-container": "a container's address does not work with the host's port;"
    " use -internal, which also registers the container's own port",
    "ip-lookup-source": "give -ip an address, an interface (eth0) or a network (10.0.0.0/8)",
    "status-addr": "leave the flag out; a configuration file has what it served"
    " (-print-config prints one)",
}
