"""Labels, variables and ports, and what registrator makes of them: one row for each combination.

Written from what registrator does. `differs` names a row of the table of differences in
docs/migrate.md: there the row says what syncer makes of it.
"""

import attrs

WEB, PLAIN = "syncer-test:web", "syncer-test:plain"  # the first exposes port 8000
TAGGED = "registry.example:5000/acme/shop:1.2"
ADDRESS = "127.0.0.1"


@attrs.frozen(kw_only=True)
class Entry:
    """What stands in the registry for one port; "{at}" in a check is address and port."""

    port: str
    service: str
    tags: tuple[str, ...] = ()
    id: str = ""
    address: str = ""
    meta: dict = attrs.Factory(dict)
    checks: tuple[dict, ...] = ()


@attrs.frozen(kw_only=True)
class Case:
    """A container, and the entries that it gets with the flags of its set."""

    name: str
    entries: tuple[Entry, ...]
    flags: str = "usual"
    ports: str = "8000"
    labels: dict = attrs.Factory(dict)
    env: dict = attrs.Factory(dict)
    image: str = PLAIN
    network: str = ""
    differs: str = ""


#: registrator's flags for each set of cases.
FLAGS = {
    "usual": ("-ip", ADDRESS),
    "internal": ("-internal",),
    "explicit": ("-explicit", "--ip=127.0.0.1"),
    "tags": ("-ip", ADDRESS, "-tags", r"ops,{{.Config.Hostname}},a\,b"),
    "label": ("-ip", ADDRESS, "-useIpFromLabel", "address"),
}


def entry(port, service, *tags, **more):
    """One entry."""
    return Entry(port=port, service=service, tags=tags, **more)


def case(name, *entries, **more):
    """A row of the table. Keys of labels and variables are without their SERVICE_."""
    return Case(name=name, entries=entries, **more)


def checked(**definition):
    """An entry of `web` with one check."""
    timed = {} if "TTL" in definition else {"Interval": "10s"}
    return entry("8000", "web", checks=({**timed, **definition},))


def http(path="/health", **more):
    """The same with a check by HTTP."""
    return checked(**{"HTTP": f"http://{{at}}{path}", **more})


NO_ENV = "Unknown variables are not published"
IN_META = "What Consul refuses as metadata is left out"
ORDER = "Tags keep their order"
SHARED_ID = "One `SERVICE_ID` for several ports"
SEVERAL = "Several kinds of check"
FALSE = "`false` means false"
SCRIPTS = "Commands are off"
BAD = "A bad setting costs itself only"

CASES = (
    # Names
    case("default-name", entry("8000", "syncer-test")),
    case("image-path", entry("8000", "shop"), image=TAGGED),
    case("name-label", entry("8000", "web"), labels={"NAME": "web"}),
    case("name-env", entry("8000", "web"), env={"NAME": "web"}),
    case("label-beats-env", entry("8000", "a"), labels={"NAME": "a"}, env={"NAME": "b"}),
    case("port-name", entry("8000", "web"), labels={"8000_NAME": "web"}),
    case("port-env-beats-label", entry("8000", "a"), labels={"NAME": "b"}, env={"8000_NAME": "a"}),
    case("port-label-beats-env", entry("8000", "a"), labels={"8000_NAME": "a"},
         env={"8000_NAME": "b"}),
    case("other-port-name", entry("8000", "web"), labels={"NAME": "web", "9000_NAME": "x"}),
    case("two-ports", entry("8000", "syncer-test-8000"), entry("9000", "syncer-test-9000"),
         ports="8000 9000"),
    case("two-ports-name", entry("8000", "web-8000"), entry("9000", "web-9000"),
         ports="8000 9000", labels={"NAME": "web"}),
    case("two-ports-mixed", entry("8000", "web-8000"), entry("9000", "admin"),
         ports="8000 9000", labels={"NAME": "web", "9000_NAME": "admin"}),
    case("two-ports-both", entry("8000", "web"), entry("9000", "admin"),
         ports="8000 9000", labels={"8000_NAME": "web", "9000_NAME": "admin"}),
    case("same-name-twice", entry("8000", "web"), entry("9000", "web"),
         ports="8000 9000", labels={"8000_NAME": "web", "9000_NAME": "web"}),
    case("empty-port-name", entry("8000", "syncer-test"), labels={"8000_NAME": "", "NAME": "web"}),
    case("zero-in-port", entry("8000", "syncer-test"), labels={"08000_NAME": "web"}),
    case("plus-in-port", entry("8000", "syncer-test"), labels={"+8000_NAME": "web"}),
    case("case-of-key", entry("8000", "web"), labels={"Name": "web"}),
    case("odd-name", entry("8000", "Web_1.x@y"), labels={"NAME": "Web_1.x@y"}),
    # Ports and protocols
    case("udp", entry("5353/udp", "dns", "udp"), ports="5353/udp", labels={"NAME": "dns"}),
    case("tcp-and-udp", entry("5353", "dns-5353"), entry("5353/udp", "dns-5353", "udp"),
         ports="5353 5353/udp", labels={"NAME": "dns"}),
    case("exposed-only", image=WEB, ports=""),
    case("no-ports", ports=""),
    case("exposed-not-counted", entry("9000", "syncer-test"), image=WEB, ports="9000"),
    case("host-network", entry("8000", "web"), image=WEB, ports="", network="host",
         labels={"NAME": "web"}),
    case("user-network", entry("8000", "web"), network="corpus", labels={"NAME": "web"}),
    case("three-ports", *(entry(str(p), f"web-{p}") for p in (8000, 8001, 8002)),
         ports="8000 8001 8002", labels={"NAME": "web"}),
    # Ignoring
    case("ignored", labels={"IGNORE": "true"}),
    case("ignored-by-any-word", labels={"IGNORE": "yes-please"}),
    case("ignored-by-env", env={"IGNORE": "1"}),
    case("ignored-empty", entry("8000", "web"), labels={"IGNORE": "", "NAME": "web"}),
    case("ignored-port", entry("8000", "web-8000"), ports="8000 9000",
         labels={"NAME": "web", "9000_IGNORE": "true"}),
    case("ignored-all-but-one", entry("9000", "web-9000"), ports="8000 9000",
         labels={"NAME": "web", "IGNORE": "true", "9000_IGNORE": ""}),
    case("ignored-false", entry("8000", "web"), labels={"NAME": "web", "IGNORE": "false"},
         differs=FALSE),
    # Tags
    case("one-tag", entry("8000", "web", "blue"), labels={"NAME": "web", "TAGS": "blue"}),
    case("tags", entry("8000", "web", "a", "b", "c"), labels={"NAME": "web", "TAGS": "a,b,c"},
         differs=ORDER),
    case("tags-with-comma", entry("8000", "web", "a,b"), labels={"NAME": "web", "TAGS": r"a\,b"}),
    case("tags-empty-parts", entry("8000", "web", "a"), labels={"NAME": "web", "TAGS": ",a,,"}),
    case("tags-with-spaces", entry("8000", "web", " a "), labels={"NAME": "web", "TAGS": " a "}),
    case("tags-of-port", entry("8000", "web-8000", "p"), entry("9000", "web-9000", "all"),
         ports="8000 9000", labels={"NAME": "web", "TAGS": "all", "8000_TAGS": "p"}),
    case("tags-by-env", entry("8000", "web", "x"), labels={"NAME": "web"}, env={"TAGS": "x"}),
    case("tags-udp", entry("5353/udp", "web", "t", "udp"), ports="5353/udp",
         labels={"NAME": "web", "TAGS": "t"}),
    case("tags-twice", entry("8000", "web", "a"), labels={"NAME": "web", "TAGS": "a,a"},
         differs="A tag given twice"),
    # Ids
    case("id", entry("8000", "web", id="my-1"), labels={"NAME": "web", "ID": "my-1"}),
    case("id-of-port", entry("8000", "web-8000", id="my-2"), entry("9000", "web-9000"),
         ports="8000 9000", labels={"NAME": "web", "8000_ID": "my-2"}),
    case("id-udp", entry("5353/udp", "web", "udp", id="my-3"), ports="5353/udp",
         labels={"NAME": "web", "ID": "my-3"}),
    case("id-shared", entry("8000", "web-8000", id="my-4-8000"),
         entry("9000", "web-9000", id="my-4-9000"),
         ports="8000 9000", labels={"NAME": "web", "ID": "my-4"}, differs=SHARED_ID),
    # Attributes
    case("attribute", entry("8000", "web", meta={"region": "us2"}),
         labels={"NAME": "web", "REGION": "us2"}),
    case("attribute-of-port", entry("8000", "web-8000", meta={"a": "1"}), entry("9000", "web-9000"),
         ports="8000 9000", labels={"NAME": "web", "8000_A": "1"}),
    case("attribute-of-port-beats", entry("8000", "web", meta={"a": "1"}),
         labels={"NAME": "web", "8000_A": "1", "A": "2"}),
    case("attribute-number", entry("8000", "web", meta={"80": "x"}),
         labels={"NAME": "web", "80": "x"}),
    case("attribute-empty", entry("8000", "web", meta={"a": ""}), labels={"NAME": "web", "A": ""}),
    case("attribute-with-words", entry("8000", "web", meta={"foo_bar": "a b"}),
         labels={"NAME": "web", "FOO_BAR": "a b"}),
    case("attribute-by-env", entry("8000", "web"), labels={"NAME": "web"},
         env={"REGION": "us2"}, differs=NO_ENV),
    case("attribute-dotted", entry("8000", "web", meta={"a": "1"}),
         labels={"NAME": "web", "a.b": "x", "A": "1"}, differs=IN_META),
    case("attribute-long", entry("8000", "web"), labels={"NAME": "web", "A": "x" * 600},
         differs=IN_META),
    case("attribute-without-key", entry("8000", "web"), labels={"NAME": "web", "": "x"},
         differs=IN_META),
    # Checks
    case("check-http", http(), labels={"NAME": "web", "CHECK_HTTP": "/health"}),
    case("check-timed", http(Interval="5s", Timeout="2s"),
         labels={"NAME": "web", "CHECK_HTTP": "/health", "CHECK_INTERVAL": "5s",
                 "CHECK_TIMEOUT": "2s"}),
    case("check-method", http(Method="HEAD"),
         labels={"NAME": "web", "CHECK_HTTP": "/health", "CHECK_HTTP_METHOD": "HEAD"}),
    case("check-https", checked(HTTP="https://{at}/", Method="POST"),
         labels={"NAME": "web", "CHECK_HTTPS": "/", "CHECK_HTTPS_METHOD": "POST"}),
    case("check-tcp", checked(TCP="{at}", Timeout="3s"),
         labels={"NAME": "web", "CHECK_TCP": "true", "CHECK_TIMEOUT": "3s"}),
    case("check-ttl", checked(TTL="30s"), labels={"NAME": "web", "CHECK_TTL": "30s"}),
    case("check-grpc", checked(GRPC="{at}"), labels={"NAME": "web", "CHECK_GRPC": "true"}),
    case("check-grpc-tls", checked(GRPC="{at}", GRPCUseTLS=True, TLSSkipVerify=True),
         labels={"NAME": "web", "CHECK_GRPC": "true", "CHECK_GRPC_USE_TLS": "true",
                 "CHECK_TLS_SKIP_VERIFY": "true"}),
    case("check-status", http(Status="passing"),
         labels={"NAME": "web", "CHECK_HTTP": "/health", "CHECK_INITIAL_STATUS": "passing"}),
    case("check-deregister", http(DeregisterCriticalServiceAfter="600s"),
         labels={"NAME": "web", "CHECK_HTTP": "/health", "CHECK_DEREGISTER_AFTER": "10m"}),
    case("check-by-env", http(), labels={"NAME": "web"}, env={"CHECK_HTTP": "/health"}),
    case("check-of-port",
         entry("8000", "web-8000", checks=({"HTTP": "http://{at}/", "Interval": "10s"},)),
         entry("9000", "web-9000"),
         ports="8000 9000", labels={"NAME": "web", "8000_CHECK_HTTP": "/"}),
    case("check-two-kinds",
         entry("8000", "web", checks=({"HTTP": "http://{at}/", "Interval": "10s"},
                                      {"TCP": "{at}", "Interval": "10s"})),
         labels={"NAME": "web", "CHECK_HTTP": "/", "CHECK_TCP": "true"}, differs=SEVERAL),
    case("check-tcp-false", entry("8000", "web"), labels={"NAME": "web", "CHECK_TCP": "false"},
         differs=FALSE),
    case("check-path", http("/health"), labels={"NAME": "web", "CHECK_HTTP": "health"},
         differs="A check's path gets a missing `/`"),
    case("check-script", entry("8000", "web"), labels={"NAME": "web", "CHECK_SCRIPT": "true"},
         differs=SCRIPTS),
    case("check-bad-interval", http(),
         labels={"NAME": "web", "CHECK_HTTP": "/health", "CHECK_INTERVAL": "soon"}, differs=BAD),
    # -internal
    case("in-published", entry("8000", "web"), flags="internal", labels={"NAME": "web"}),
    case("in-exposed", entry("8000", "syncer-test"), flags="internal", image=WEB, ports=""),
    case("in-both", entry("8000", "web-8000"), entry("9000", "web-9000"), flags="internal",
         image=WEB, ports="9000", labels={"NAME": "web"}),
    case("in-network", entry("8000", "web"), flags="internal", network="corpus",
         labels={"NAME": "web"}),
    case("in-udp", entry("5353/udp", "web", "udp"), flags="internal", ports="5353/udp",
         labels={"NAME": "web"}),
    case("in-check", http(), flags="internal", labels={"NAME": "web", "CHECK_HTTP": "/health"}),
    # -explicit
    case("ex-none", flags="explicit"),
    case("ex-name", entry("8000", "web"), flags="explicit", labels={"NAME": "web"}),
    case("ex-env", entry("8000", "web"), flags="explicit", env={"NAME": "web"}),
    case("ex-one-of-two", entry("9000", "admin"), flags="explicit", ports="8000 9000",
         labels={"9000_NAME": "admin"}),
    case("ex-tags-only", flags="explicit", labels={"TAGS": "a"}),
    # -tags
    case("ta-none", entry("8000", "web", "ops", "{hostname}", "a,b"), flags="tags",
         labels={"NAME": "web"}),
    case("ta-more", entry("8000", "web", "own", "ops", "{hostname}", "a,b"), flags="tags",
         labels={"NAME": "web", "TAGS": "own"}),
    case("ta-udp", entry("5353/udp", "web", "ops", "{hostname}", "a,b", "udp"), flags="tags",
         ports="5353/udp", labels={"NAME": "web"}),
    # -useIpFromLabel
    case("la-address", entry("8000", "web", address="10.9.8.7"), flags="label",
         labels={"NAME": "web", "=address": "10.9.8.7"}),
    case("la-cidr", entry("8000", "web", address="10.9.8.7"), flags="label",
         labels={"NAME": "web", "=address": "10.9.8.7/24"}),
    case("la-none", entry("8000", "web"), flags="label", labels={"NAME": "web"}),
)  # fmt: skip
