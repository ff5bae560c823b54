"""What exactly stands in Eureka, as Eureka's own answers in JSON and XML tell it."""

import pytest

from syncer import Check, PermanentError, Status, Unhealthy, translate_checks
from syncer.testing import make_instance, make_registration
from syncer_eureka.form.checks import translator
from syncer_eureka.form.names import instance_id
from syncer_eureka.options import DataCenter, EurekaOptions

PLAIN = {"tags": ("blue", "v1"), "meta": {"team": "shop", "management.port": "9000"}}


@pytest.fixture
def write(sink, clean_eureka):
    """Writes an instance; returns Eureka's JSON of it."""

    def write(**fields):
        adjusted = sink.adjust(make_instance(**fields))
        made = sink.register(make_registration(adjusted))
        (found,) = clean_eureka.api.instances(adjusted.service)
        assert sink.registrations().items == (made,)
        return found

    return write


def problems(sink, **fields):
    return list(sink.adjust(make_instance(**fields)).problems)


def test_plain(write):
    """What Spring Cloud's clients read: vipAddress, hostName, port, URLs, metadata."""
    found = write(**PLAIN)
    assert found["instanceId"] == "kit-scope:web:8080"
    assert found["app"] == "WEB"
    assert found["vipAddress"] == found["secureVipAddress"] == "web"
    assert found["hostName"] == found["ipAddr"] == "10.0.0.5"
    assert found["port"] == {"$": 8080, "@enabled": "true"}
    assert found["securePort"] == {"$": 443, "@enabled": "false"}
    assert found["status"] == "UP"
    assert found["homePageUrl"] == "http://10.0.0.5:8080/"
    assert "healthCheckUrl" not in found
    assert found["leaseInfo"]["durationInSecs"] == 90
    assert found["leaseInfo"]["renewalIntervalInSecs"] == 30
    assert found["dataCenterInfo"]["name"] == "MyOwn"
    assert {k: v for k, v in found["metadata"].items() if not k.startswith("syncer-")} == {
        "tags": "blue,v1",
        "team": "shop",
        "management.port": "9000",
    }
    assert {k for k in found["metadata"] if k.startswith("syncer-")} == {
        *("syncer-id", "syncer-owner", "syncer-scope"),
        *("syncer-source", "syncer-workload", "syncer-digest"),
    }


def test_xml(write, clean_eureka):
    """The same as XML, which every reader can parse, whatever labels hold."""
    tricky = {"a key/with:more": "<&>\"'", "1st": "x", "fine": "ü\x00ü", "empty": ""}
    write(meta=tricky, tags=("a,b", "<c>"))
    tree = clean_eureka.api.xml()
    (metadata,) = tree.iter("metadata")
    found = {one.tag: one.text for one in metadata if not one.tag.startswith("syncer-")}
    assert found["a-key-with-more"] == "<&>\"'"
    assert found["st"] == "x"
    assert found["fine"] == "üü"
    assert found["tags"] == "a,b,<c>"
    assert tree.findtext("application/instance/port") == "8080"


def test_what_xml_cannot_hold_is_told(sink):
    """Names that are changed and characters that are left out are problems of the instance."""
    told = problems(sink, meta={"a/b": "x", "ok": "a\x00", "!": "x", "syncer-x": "y", "tags": "z"})
    assert len(told) == 5
    assert any("'a/b' is renamed to 'a-b'" in text for text in told)
    assert any("no part of it is a valid name" in text for text in told)
    assert any("'syncer-x' is left out" in text for text in told)
    assert any("'tags' is left out: this key holds the tags" in text for text in told)
    assert problems(sink, meta={"a/b": "x", "a-b": "y"}) == [
        "metadata 'a/b' is left out: 'a-b' exists, too"
    ]


@pytest.mark.parametrize("service", ["a/b", "ä", "a b", "", "a,b", "x" * 201])
def test_names_that_no_path_can_hold(sink, service):
    """They are refused before anything is sent."""
    with pytest.raises((PermanentError, ValueError)):
        sink.adjust(make_instance(service or "\x00"))


def test_the_refusal_of_a_name_says_which_are_valid(sink):
    """Once, with what to do."""
    with pytest.raises(PermanentError) as caught:
        sink.adjust(make_instance("my service"))
    text = "'my service' is not a valid Eureka service name: use letters, digits, dots and hyphens"
    assert str(caught.value).endswith(text)


@pytest.mark.parametrize(
    "id_", [instance_id("a b"), "a/b", "a\\b", "ä ö", ".", "..", "x" * 300, "a?b#c%d"]
)
def test_ids_that_no_path_can_hold(write, sink, clean_eureka, id_):
    """They get another instanceId, the same always; the true id is in the metadata."""
    found = write(id=id_)
    assert found["instanceId"] != id_
    assert found["metadata"]["syncer-id"] == id_
    held = sink.registration(id_)
    assert held.id == id_
    assert sink.renew([held]) == []
    sink.deregister(held)
    assert clean_eureka.api.instances() == []


def test_ipv6(write):
    """As an address bare, as a host in brackets, so that URLs made of it are right."""
    found = write(address="fd00::5")
    assert found["ipAddr"] == "fd00::5"
    assert found["hostName"] == "[fd00::5]"
    assert found["homePageUrl"] == "http://[fd00::5]:8080/"


def test_without_a_port(write):
    """Neither port is in use, and there is no home page."""
    found = write(port=0)
    assert found["port"]["@enabled"] == found["securePort"]["@enabled"] == "false"
    assert "homePageUrl" not in found


def test_secure(write):
    """`eureka_secure`: the port is that of https, and the plain one is not in use."""
    settings = {"eureka_secure": "true", "eureka_health_check_url": "/health"}
    found = write(port=8443, meta=settings)
    assert found["port"] == {"$": 8443, "@enabled": "false"}
    assert found["securePort"] == {"$": 8443, "@enabled": "true"}
    assert found["homePageUrl"] == "https://10.0.0.5:8443/"
    assert found["secureHealthCheckUrl"] == "https://10.0.0.5:8443/health"


def test_settings(write):
    """Labels SERVICE_EUREKA_*: what they set is not published as metadata."""
    found = write(
        meta={
            "eureka_vip": "shop.example",
            "eureka_secure_vip": "shop-s",
            "eureka_hostname": "web.example",
            "eureka_ipaddr": "192.0.2.7",
            "eureka_home_page_url": "/home",
            "eureka_status_page_url": "http://elsewhere/info",
            "eureka_health_check_url": "/health",
            "eureka_zone": "eu-1a",
            "eureka_metadata_color": "red",
            "eureka_leaseinfo_durationinsecs": "120",
            "eureka_leaseinfo_renewalintervalinsecs": "30",
            "eureka_datacenterinfo_name": "amazon",
            "eureka_datacenterinfo_auto_populate": "false",
            "eureka_status": "starting",
        }
    )
    assert found["vipAddress"] == "shop.example"
    assert found["secureVipAddress"] == "shop-s"
    assert found["hostName"] == "web.example"
    assert found["ipAddr"] == "192.0.2.7"
    assert found["homePageUrl"] == "http://web.example:8080/home"
    assert found["statusPageUrl"] == "http://elsewhere/info"
    assert found["healthCheckUrl"] == "http://web.example:8080/health"
    assert found["leaseInfo"]["durationInSecs"] == 120
    assert found["dataCenterInfo"]["name"] == "Amazon"
    assert found["status"] == "STARTING"
    shown = {k: v for k, v in found["metadata"].items() if not k.startswith("syncer-")}
    assert shown == {"zone": "eu-1a", "color": "red"}


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("eureka_status", "FINE", "must be one of UP, STARTING, DOWN, OUT_OF_SERVICE"),
        ("eureka_secure", "maybe", "must be true or false"),
        ("eureka_ipaddr", "a b", "not an address"),
        ("eureka_leaseinfo_renewalintervalinsecs", "10", "all are renewed every 30 s"),
        ("eureka_leaseinfo_durationinsecs", "40", "must be longer than 40 s"),
        ("eureka_leaseinfo_durationinsecs", "long", "must be whole seconds"),
        ("eureka_datacenterinfo_name", "Mars", "must be MyOwn or Amazon"),
        ("eureka_datacenterinfo_auto_populate", "true", "does not ask Amazon"),
        ("eureka_register_aws_public_ip", "true", "does not ask Amazon"),
        ("eureka_lookup_elbv2_endpoint", "true", "does not ask Amazon"),
        ("eureka_elbv2_hostname", "lb.example", "does not ask Amazon"),
        ("eureka_status_page_url", "javascript:alert(1)", "a path, or a URL of http or https"),
        ("eureka_home_page_url", "file:///etc/passwd", "a path, or a URL of http or https"),
        ("eureka_health_check_url", "//evil.example/".lstrip("/"), "a path, or a URL of http"),
        ("eureka_home_page_url", "http:///x", "a path, or a URL of http or https"),
        ("eureka_home_page_url", "http://10.0.0.5@evil.example/", "without a user"),
        ("eureka_home_page_url", "http://evil.example\\@10.0.0.5/", "a path, or a URL of http"),
        ("eureka_home_page_url", "http://[::1/", "Invalid IPv6 URL"),
        ("eureka_vip", "ok,b\u0131lling", "must be names of letters, digits, dots and hyphens"),
        ("eureka_secure_vip", "a b", "must be names of letters, digits, dots and hyphens"),
        ("eureka_metadata_eureka_home_page_url", "javascript:alert(1)", "which is a setting"),
        ("eureka_hostname", "10.0.0.5:80@evil.example", "must be a host name"),
        ("eureka_ipaddr", "10.0.0.5@evil.example", "not an address"),
        ("eureka_metadata_eureka_vip", "x", "would set eureka_vip, which is a setting"),
        ("eureka_what", "x", "unknown; for metadata use eureka_metadata_NAME"),
    ],
)
def test_impossible_settings(sink, key, text, words):
    """Each is told by its key with the reason; the instance is registered without it."""
    (told,) = problems(sink, meta={key: text})
    assert told.startswith(f"{key}: ")
    assert words in told
    assert not any(name.startswith("eureka") for name in sink.adjust(make_instance()).meta)


@pytest.mark.parametrize("key", ["_eureka_home_page_url", "9eureka_vip", "-eureka_x"])
def test_metadata_that_would_become_a_setting(sink, key):
    """Renamed for XML it would pass by the rules of settings."""
    meta = {key: "javascript:alert(1)"}
    (told,) = problems(sink, meta=meta)
    assert "would be a setting" in told
    assert not any("eureka" in name for name in sink.adjust(make_instance(meta=meta)).meta)


def test_a_setting_of_the_status_does_not_hide_an_illness(sink):
    """`eureka_status` counts for what is up; what a check found is stronger."""
    setting = {"eureka_status": "UP"}
    ill = sink.adjust(make_instance(meta=setting, status=Status.UNHEALTHY))
    assert ill.status is Status.UNHEALTHY


def test_zone_and_data_centre_by_option(clean_eureka, open_sink):
    """Options give them to all; a label's own zone counts for more."""
    sink = open_sink(clean_eureka.url, zone="eu-1b", datacenter=DataCenter.AMAZON)
    for name, meta in (("web", {}), ("db", {"zone": "eu-1c"})):
        sink.register(make_registration(sink.adjust(make_instance(name, meta=meta))))
    found = {one["app"]: one for one in clean_eureka.api.instances()}
    assert found["WEB"]["metadata"]["zone"] == "eu-1b"
    assert found["DB"]["metadata"]["zone"] == "eu-1c"
    assert found["DB"]["dataCenterInfo"]["name"] == "Amazon"
    assert [one.damaged for one in sink.registrations().items] == ["", ""]


def test_dropped_in_other_states(clean_eureka, open_sink):
    """With `unhealthy = "drop"` only what is up is listed."""
    sink = open_sink(clean_eureka.url, unhealthy=Unhealthy.DROP)
    assert sink.adjust(make_instance()) is not None
    for status in set(Status) - {Status.UP}:
        assert sink.adjust(make_instance(status=status)) is None


def test_checks_that_nobody_translated_are_told(sink):
    """Eureka runs none; with the plugin's translator syncer does."""
    (told,) = problems(sink, checks=(Check(kind="tcp"),))
    assert "Eureka runs no checks" in told


@pytest.mark.parametrize(
    ("check", "meta", "url"),
    [
        (Check(kind="http", path="/health"), {}, "http://10.0.0.5:8080/health"),
        (Check(kind="https", path="/h?full=1", port=9), {}, "https://10.0.0.5:9/h?full=1"),
        (Check(kind="http"), {"eureka_health_check_url": "/label"}, "http://10.0.0.5:8080/label"),
        (Check(kind="http", address="10.0.0.6"), {}, None),
        (Check(kind="http", method="POST"), {}, None),
        (Check(kind="http", headers={"X-Key": ("secret",)}), {}, None),
        (Check(kind="tcp"), {}, None),
    ],
)
def test_a_check_that_anybody_can_make_is_shown(write, check, meta, url):
    """As healthCheckUrl, unless a label sets that; syncer probes it all the same."""
    instance = make_instance(checks=(check,), meta=meta)
    translated, probes = translate_checks(instance, translator(EurekaOptions()))
    found = write(checks=translated.checks, meta=meta)
    assert len(probes) == 1
    assert (found.get("healthCheckUrl") or found.get("secureHealthCheckUrl")) == url


def test_what_others_registered_is_read(sink, clean_eureka):
    """Foreign instances as well as they can be told, however their JSON is written."""
    clean_eureka.api.register("plain", "p1", metadata={"tags": "a, b", "zone": "z"})
    clean_eureka.api.register(
        "secure",
        "s1",
        port={"$": 80, "@enabled": "false"},
        securePort={"$": "443", "@enabled": True},
        status="OUT_OF_SERVICE",
    )
    found = {r.id: r.instance for r in sink.registrations().items}
    assert found["p1"].tags == ("a", "b")
    assert found["p1"].meta == {"zone": "z"}
    assert found["p1"].endpoint == "10.0.0.9:8080"
    assert found["s1"].endpoint == "10.0.0.9:443"
    assert found["s1"].meta == {"eureka_secure": "true"}
    assert found["s1"].status is Status.PAUSED
