"""The deliberate differences from registrator, one by one, as the README lists them."""

from syncer_registrator import create
from syncer_registrator.labels.options import RegistratorOptions


def only(parsed):
    (offer,) = parsed.offers
    return offer


def test_false_means_false(read):
    """`SERVICE_IGNORE=false` ignores nothing and `SERVICE_CHECK_TCP=false` checks nothing."""
    offer = only(read({"SERVICE_IGNORE": "false", "SERVICE_CHECK_TCP": "false"}))

    assert offer.checks == ()


def test_tags_keep_their_order(read):
    """Registrator reverses them."""
    assert only(read({"SERVICE_TAGS": "a,b,c"})).tags == ("a", "b", "c")


def test_scripts_are_split_by_the_shells_rules(read):
    """Registrator sends a script as one word, which Consul cannot run."""
    check = only(read({"SERVICE_CHECK_SCRIPT": "nc -z $SERVICE_IP $SERVICE_PORT"})).checks[0]

    assert check.command == ("nc", "-z", "$SERVICE_IP", "$SERVICE_PORT")


def test_check_keys_are_no_metadata(read):
    """Neither known check keys nor mistyped ones are published."""
    parsed = read({"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_HTPP": "/", "SERVICE_A": "1"})

    assert only(parsed).meta == {"a": "1"}


def test_empty_keys_lose_only_themselves(read):
    """Registrator sends an empty metadata key, for which Consul refuses the whole service."""
    parsed = read({"SERVICE_": "x", "SERVICE_80_": "y", "SERVICE_A": "1"})

    assert only(parsed).meta == {"a": "1"}
    assert len(parsed.problems) == 2


def test_variables_are_not_published(read):
    """Registrator publishes every variable that begins with `SERVICE_`, credentials included."""
    assert only(read(env={"SERVICE_DB_PASSWORD": "x"})).meta == {}


def test_digests_and_ids_are_no_names(read):
    """Registrator calls these `b@sha256` and `sha256`."""
    assert only(read(image="a/b@sha256:beef")).service == "b"
    assert only(read(image="sha256:beef")).service == "box"


def test_one_id_for_several_ports_is_made_particular(read):
    """Registrator lets the ports overwrite each other under the one id."""
    parsed = read({"SERVICE_ID": "i"}, ports="80 81")

    assert [offer.id for offer in parsed.offers] == ["i-80", "i-81"]


def test_several_checks(read):
    """Registrator makes only the first."""
    parsed = read({"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_TCP": "true"})

    assert [check.kind for check in only(parsed).checks] == ["http", "tcp"]


def test_tls_can_be_left_unverified_for_https(read):
    """Registrator reads the key for gRPC only."""
    parsed = read({"SERVICE_CHECK_HTTPS": "/", "SERVICE_CHECK_TLS_SKIP_VERIFY": "true"})

    assert only(parsed).checks[0].tls_skip_verify


def test_keys_for_ports_that_do_not_exist_are_reported(read):
    """Registrator drops them in silence."""
    assert read({"SERVICE_080_NAME": "w", "SERVICE_81_NAME": "w"}).problems == (
        "SERVICE_080_NAME (label): its port must be 1 to 65535, or a range such as 8000-8010",
        "SERVICE_81_NAME (label): the container has no port 81",
    )


def test_names_are_lists(read):
    """Registrator takes the comma into the name."""
    parsed = read({"SERVICE_NAME": "web,api"})

    assert [offer.service for offer in parsed.offers] == ["web", "api"]


def test_create_is_a_pure_function(read):
    """The parser keeps nothing of one workload for the next."""
    parse = create(RegistratorOptions())

    assert parse == create(RegistratorOptions())
    assert read({"SERVICE_NAME": "w"}) == read({"SERVICE_NAME": "w"})
