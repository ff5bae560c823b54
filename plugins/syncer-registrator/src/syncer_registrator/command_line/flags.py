"""The flags of registrator, those of its forks, and ours beside them."""

from collections.abc import Mapping

from syncer_registrator.go.flags import Flag, Kind

FLAGS = (
    Flag("ip", Kind.TEXT, "", "IP for ports mapped to the host"),
    Flag("internal", Kind.SWITCH, False, "Use internal ports instead of published ones"),
    Flag("explicit", Kind.SWITCH, False, "Only register containers which have SERVICE_NAME set"),
    Flag("useIpFromLabel", Kind.TEXT, "", "Use the IP in this label of the container"),
    Flag("tags", Kind.TEXT, "", "Append tags for all registered services (Go templates)"),
    Flag("ttl", Kind.NUMBER, 0, "TTL of entries in seconds (etcd; others keep no TTL)"),
    Flag("ttl-refresh", Kind.NUMBER, 0, "Given with -ttl; syncer renews three times in each TTL"),
    Flag("resync", Kind.NUMBER, 0, "Seconds between full reads of Docker and the registry"),
    Flag("deregister", Kind.TEXT, "always", "Deregister exited services: always"),
    Flag("cleanup", Kind.SWITCH, False, "Remove this host's entries whose containers are gone"),
    Flag("retry-attempts", Kind.NUMBER, 0, "Taken, and without effect: syncer does not give up"),
    Flag("retry-interval", Kind.NUMBER, 2000, "Taken, and without effect, in milliseconds"),
    Flag("version", Kind.SWITCH, False, "Print the version"),
)

FORKS = (
    Flag("require-label", Kind.SWITCH, False, "Only register containers labelled SERVICE_REGISTER"),
    Flag("deregister-on-stop", Kind.SWITCH, False, "Deregister when a container begins to stop"),
    Flag("useIpFromNetworkName", Kind.TEXT, "", "Use the container's IP in this network"),
    Flag("ip-from-container", Kind.SWITCH, False, "Not possible: see -internal"),
    Flag("ip-lookup-source", Kind.TEXT, "", "Not possible: see -ip"),
    Flag("ip-lookup-retries", Kind.NUMBER, 1, "Taken, and without effect"),
    Flag("exit-on-ip-lookup-failure", Kind.SWITCH, False, "Taken, and without effect"),
    Flag("status-addr", Kind.TEXT, "", "Not possible here: see the configuration file"),
    Flag("debug", Kind.SWITCH, False, "Taken, and without effect"),
)

OURS = (
    Flag(
        "adopt",
        Kind.TEXT,
        "",
        "Name of another host whose entries are this one's too; may be given several times",
        many=True,
    ),
    Flag("print-config", Kind.SWITCH, False, "Print the configuration that does the same"),
)

ALL = (*FLAGS, *FORKS, *OURS)

#: Flags that cannot be had, with what to do instead.
REFUSED: Mapping[str, str] = {
    "ip-from-container": "a container's address and the host's port never go together:"
    " use -internal, which registers the container's own port too",
    "ip-lookup-source": "give -ip an address, an interface (eth0) or a network (10.0.0.0/8)",
    "status-addr": "take the flag out; a configuration file has what it served"
    " (-print-config prints one)",
}
