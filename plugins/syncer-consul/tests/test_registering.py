"""What stands in a real agent after the sink's work, and what the sink sees of hand edits."""

import threading

import attrs
import pytest

from syncer import (
    Check,
    CheckKey,
    CheckResult,
    CheckStatus,
    Conflict,
    Deregister,
    Origin,
    PermanentError,
    Reason,
    Register,
    Status,
    Update,
)
from syncer.kits.http import parallel
from syncer.testing import make_instance, make_mark, make_registration, wait_until
from syncer_consul.http.client import AgentInfo

HTTP = Check(kind="http", path="/health", interval=5, timeout=1)
MIRRORED = Check(kind="container")
PASSING = CheckResult(status=CheckStatus.PASSING, output="running")


@pytest.fixture
def api(clean_consul):
    """The witness: what Consul itself says."""
    return clean_consul.api


def desired(sink, instance, **mark):
    """The registration that the engine would write."""
    adjusted = sink.adjust(instance)
    return make_registration(adjusted, **mark)


def put(sink, instance, **mark):
    """Write an instance, and return its registration as a listing shows it."""
    return sink.register(desired(sink, instance, **mark))


def seen(sink, id_):
    """What a fresh listing shows of one id."""
    return next((r for r in sink.registrations().items if r.id == id_), None)


def body(instance, **changes):
    """A registration by hand, for an id that is already there."""
    base = {"ID": instance.id, "Name": instance.service, "Address": instance.address}
    return base | {"Port": instance.port} | changes


def test_all_is_kept(sink, api):
    """Address, port, tags, metadata, weights and the mark stand in one entry."""
    web = make_instance(tags=("b", "a"), meta={"team": "shop"}, weight=3, warning_weight=0)
    held = put(sink, web, workload="c1")
    entry = api.services()[web.id]
    assert (entry["Service"], entry["Address"], entry["Port"]) == ("web", "10.0.0.5", 8080)
    assert entry["Tags"] == ["b", "a"]
    assert entry["Weights"] == {"Passing": 3, "Warning": 0}
    assert entry["Meta"].pop("team") == "shop"
    assert entry["Meta"] == {f"syncer-{k}": v for k, v in held.mark.fields().items() if v}


@pytest.mark.parametrize(
    "change",
    [{"Port": 81}, {"Tags": ["x"]}, {"Address": "10.9.9.9"}, {"Weights": {"Passing": 9}}],
    ids=str,
)
def test_hand_edit_shows(sink, api, change):
    """An entry that was edited by hand, mark and all kept, is listed as it is now."""
    held = put(sink, make_instance())
    meta = api.services()[held.id]["Meta"]
    api.register(body(held.instance, Meta=meta, **change))
    now = seen(sink, held.id)
    assert now.mark == held.mark
    assert now.instance != held.instance
    sink.update(now, desired(sink, make_instance()))
    assert seen(sink, held.id) == held


def test_impossible_port_is_damage(sink, api):
    """Consul takes port 70000 from a hand edit; it is shown as damage, and repaired."""
    held = put(sink, make_instance())
    meta = api.services()[held.id]["Meta"]
    api.register(body(held.instance, Meta=meta, Port=70000))
    now = seen(sink, held.id)
    assert "70000" in now.damaged
    sink.update(now, desired(sink, make_instance()))
    assert seen(sink, held.id) == held


def test_own_address_of_the_node(sink, api):
    """An entry without an address has that of its node."""
    api.register({"ID": "plain", "Name": "plain"})
    assert seen(sink, "plain").instance.address == "127.0.0.1"


def test_undescribable_stranger_is_unclear(start_consul, open_sink):
    """An id that no instance can have is unclear, and everything else is listed."""
    agent = start_consul()  # which can never be rid of such an id again
    sink = open_sink(agent.url)
    held = put(sink, make_instance())
    agent.api.register({"ID": "two\nlines", "Name": "odd"})
    view = sink.registrations()
    assert view.unclear == {"two\nlines"}
    assert view.complete
    assert [r.id for r in view.items] == [held.id]


def test_missing_check_is_damage(sink, api):
    """A check that was removed by hand is damage, and the next update brings it back."""
    web = make_instance(checks=(HTTP, MIRRORED))
    held = put(sink, web)
    assert seen(sink, web.id) == held
    api.deregister_check(f"{web.id}:http")
    now = seen(sink, web.id)
    assert now.damaged == "check http is gone"
    sink.update(now, desired(sink, web))
    assert f"{web.id}:http" in api.checks()
    assert seen(sink, web.id) == held


def test_dropped_check_goes(sink, api):
    """A check that is not wanted any more is removed; the others keep their status."""
    web = make_instance(checks=(HTTP, MIRRORED))
    held = put(sink, web)
    sink.update(held, desired(sink, make_instance(checks=(MIRRORED,))))
    checks = api.checks()
    assert set(checks) == {f"{web.id}:container.ttl"}
    assert checks[f"{web.id}:container.ttl"]["Status"] == "passing"
    assert seen(sink, web.id).damaged == ""


def test_left_over_check_is_damage(sink, api):
    """A check of ours that an interrupted update left behind is damage, and goes."""
    web = make_instance(checks=(HTTP,))
    held = put(sink, web)
    stray = {"ID": f"{web.id}:old.ttl", "Name": "old", "ServiceID": web.id, "TTL": "5m"}
    api.put("agent/check/register", stray)
    now = seen(sink, web.id)
    assert now.damaged == "check old.ttl is not wanted"
    sink.update(now, desired(sink, web))
    assert set(api.checks()) == {f"{web.id}:http"}
    assert seen(sink, web.id) == held


def test_many_checks_are_watched_too(sink, api):
    """With more checks than metadata can name, a missing one is still found out."""
    many = tuple(Check(kind="ttl", ttl=60, key=f"a-rather-long-name-{n}") for n in range(60))
    web = make_instance(checks=many)
    held = put(sink, web)
    assert seen(sink, web.id) == held
    api.deregister_check(f"{web.id}:a-rather-long-name-7.ttl")
    assert "not the registered ones" in seen(sink, web.id).damaged


def test_maintenance_survives(sink, api):
    """An operator's maintenance mode and own checks survive updates that drop checks."""
    web = make_instance(checks=(HTTP, MIRRORED))
    held = put(sink, web)
    api.maintenance(web.id, True, "do not touch")
    hers = {"ID": "hers", "Name": "hers", "ServiceID": web.id, "TTL": "5m"}
    api.put("agent/check/register", hers)
    moved = desired(sink, make_instance(checks=(HTTP,), port=9, id=web.id))
    sink.update(held, moved)
    sink.update(seen(sink, web.id), desired(sink, make_instance(id=web.id)))
    checks = api.checks()
    assert set(checks) == {f"_service_maintenance:{web.id}", "hers"}
    assert checks[f"_service_maintenance:{web.id}"]["Notes"] == "do not touch"
    assert seen(sink, web.id).damaged == ""


def test_tag_override_leaves_tags(sink, api):
    """With tag override, tags changed by others are no drift and survive an update."""
    web = make_instance(tags=("ours",), tag_override=True)
    held = put(sink, web)
    entry = api.services()[web.id]
    api.register(body(web, Meta=entry["Meta"], Tags=["theirs"], EnableTagOverride=True))
    assert seen(sink, web.id) == held
    moved = make_instance(id=web.id, port=81, tags=("ours",), tag_override=True)
    sink.update(seen(sink, web.id), desired(sink, moved))
    assert api.services()[web.id]["Tags"] == ["theirs"]


def test_new_tags_go_before_override(sink, api):
    """With tag override, tags that the user changes at the source are written."""
    held = put(sink, make_instance(tags=("old",), tag_override=True))
    sink.registrations()
    sink.update(held, desired(sink, make_instance(tags=("new",), tag_override=True)))
    assert api.services()[held.id]["Tags"] == ["new"]


def test_taken_over_from_registrator(sink, api):
    """An unmarked entry that is adopted loses the check that Consul named for it."""
    check = {"TTL": "5m"}
    api.register({"ID": "box:web:80", "Name": "web", "Address": "10.0.0.5", "Check": check})
    old = seen(sink, "box:web:80")
    assert old.mark is None
    sink.update(old, desired(sink, make_instance(id="box:web:80", checks=(HTTP,))))
    assert set(api.checks()) == {"box:web:80:http"}
    assert seen(sink, "box:web:80").mark is not None


@pytest.mark.parametrize(("before", "after"), [("passing", 1), ("critical", 0)])
def test_what_is_taken_over_keeps_its_health(sink, api, before, after):
    """The new check begins as the old one was, so that consumers miss nothing in between."""
    check = {"TTL": "5m", "Status": before}
    api.register({"ID": "box:web:80", "Name": "web", "Address": "10.0.0.5", "Check": check})
    old = seen(sink, "box:web:80")
    seldom = attrs.evolve(HTTP, interval=3600)
    sink.update(old, desired(sink, make_instance(id="box:web:80", checks=(seldom,))))
    wait_until(lambda: set(api.checks()) == {"box:web:80:http"}, 30, "the old check to be gone")
    wait_until(lambda: len(api.passing_ids("web")) == after, 30, "the catalog to have it")


def test_failing_check_is_not_passing(sink, api):
    """An instance with a check is not among the passing ones before the check has passed."""
    put(sink, make_instance(checks=(Check(kind="ttl", ttl=60),)))
    wait_until(lambda: api.health("web"), 10, "the catalog has it")
    assert api.passing_ids("web") == set()


def test_mirrored_check_starts_as_the_container_is(sink, api):
    """The mirror of a container's health begins with that health, and is no part of the digest."""
    starting = make_instance(status=Status.STARTING, checks=(MIRRORED,))
    up = attrs.evolve(starting, status=Status.UP)
    put(sink, starting)
    assert api.checks()[f"{starting.id}:container.ttl"]["Status"] == "critical"
    assert sink.adjust(starting).digest() == sink.adjust(up).digest()
    sink.deregister(seen(sink, starting.id))
    put(sink, up)
    assert api.checks()[f"{up.id}:container.ttl"]["Status"] == "passing"


def test_what_a_failing_check_says_is_listed(sink, api):
    """Its name and its last output: a listing of a moment later has that of a moment later."""
    web = make_instance(checks=(Check(kind="ttl", ttl=600),))
    put(sink, web)
    name = api.checks()[f"{web.id}:ttl"]["Name"]
    for said in ("disk full", "no\r\n  memory\n"):
        api.put(f"agent/check/fail/{web.id}:ttl", note=said)
        found = seen(sink, web.id)
        assert (found.instance.status, found.failing) == (
            Status.UNHEALTHY,
            f"{name}: {' '.join(said.split())}",
        )
    api.put(f"agent/check/pass/{web.id}:ttl")
    assert seen(sink, web.id).failing == ""


@pytest.mark.parametrize("status", [Status.PAUSED, Status.DRAINING, Status.UNHEALTHY])
def test_unfit_state_and_back(sink, api, status):
    """A paused or stopping instance stops passing at once, and passes again afterwards."""
    web = make_instance(checks=(Check(kind="ttl", ttl=600),))
    held = put(sink, web)
    key = f"{web.id}:ttl"
    api.put(f"agent/check/pass/{key}")
    wait_until(lambda: web.id in api.passing_ids("web"), 10, "it passes")
    unfit = desired(sink, attrs.evolve(web, status=status))
    assert unfit.mark.digest != held.mark.digest
    paused = sink.update(held, unfit)
    checks = api.checks()
    assert checks[f"{web.id}:syncer.ttl"]["Status"] == "critical"
    assert checks[f"{web.id}:syncer.ttl"]["Notes"].count("the container is") == 1
    assert checks[key]["Status"] == "passing"
    wait_until(lambda: web.id not in api.passing_ids("web"), 10, "it does not pass")
    assert sink.update(paused, desired(sink, web)) == held
    assert api.checks()[key]["Status"] == "passing"
    wait_until(lambda: web.id in api.passing_ids("web"), 10, "it passes again")
    assert seen(sink, web.id) == held


def test_mirrored_unhealthy_needs_no_other_check(sink):
    """Where the container's health is mirrored, unhealthy is no change of the registration."""
    web = make_instance(checks=(MIRRORED,))
    ill = attrs.evolve(web, status=Status.UNHEALTHY)
    assert sink.adjust(web).digest() == sink.adjust(ill).digest()


def test_another_kind_is_another_check(sink, api):
    """A check that becomes another kind under its key gets another id: Consul mixes them up."""
    web = make_instance(checks=(Check(kind="ttl", key="alive", ttl=60),))
    held = put(sink, web)
    sink.update(held, desired(sink, make_instance(checks=(Check(kind="tcp", key="alive"),))))
    assert {id_: c["Type"] for id_, c in api.checks().items()} == {f"{web.id}:alive.tcp": "tcp"}


@pytest.mark.parametrize("kind", ["http", "https", "tcp", "grpc", "ttl", "alias", "container"])
def test_known_kinds_are_taken(sink, api, kind):
    """Consul 1.8.7 takes each kind that it knows, with every field that it knows."""
    check = Check(
        kind=kind,
        name="named",
        notes="noted",
        path="/x",
        method="post",
        headers={"X-A": ("1", "2")},
        body="{}",
        tls=kind == "grpc",
        tls_skip_verify=True,
        interval=86_400,  # its first run, at a random time within that, does not come
        timeout=2,
        success_before_passing=2,
        failures_before_critical=3,
        initial_status=CheckStatus.WARNING,
        deregister_after=3600,
        ttl=30,
        alias="other",
    )
    web = make_instance(checks=(check,))
    assert sink.adjust(web).problems == ()
    put(sink, web)
    (found,) = api.checks().values()
    assert (found["Name"], found["Notes"]) == ("named", "noted")
    assert kind == "alias" or found["Status"] == "warning"


def test_commands_are_taken_where_allowed(start_consul, open_sink):
    """Script and docker checks go to an agent that lets its callers run commands."""
    agent = start_consul(config={"enable_script_checks": True})
    sink = open_sink(agent.url, script_checks=True)
    script = Check(
        kind="script", command=("test", "$SERVICE_IP:$SERVICE_PORT", "=", "10.0.0.5:8080")
    )
    docker = Check(kind="docker", command=("true",), shell="/bin/sh")
    web = make_instance(checks=(script, docker), origin=Origin(source="d", workload="abc"))
    held = put(sink, web)
    assert seen(sink, web.id) == held
    checks = agent.api.checks
    wait_until(lambda: checks()[f"{web.id}:script"]["Status"] == "passing", 20, "the script ran")
    assert checks()[f"{web.id}:docker"]["Type"] == "docker"


@pytest.mark.parametrize("told", [True, False])
def test_commands_that_the_agent_does_not_run(clean_consul, open_sink, monkeypatch, told):
    """The check is left out, and the service stands, whether or not the agent told before."""
    sink, api = open_sink(clean_consul.url, script_checks=True), clean_consul.api
    if not told:
        monkeypatch.setattr(sink._client, "_ask_self", AgentInfo)
    checks = (Check(kind="script", command=("true",)), Check(kind="tcp"))
    sink.registrations()
    adjusted = sink.adjust(make_instance(checks=checks))
    assert bool(adjusted.problems) is told
    assert all("enable_script_checks" in text for text in adjusted.problems)
    web = make_registration(adjusted)
    sink.register(web)
    assert set(api.checks()) == {f"{web.id}:tcp"}
    view = sink.registrations()
    assert [one.damaged for one in view.items] == [""]
    assert bool(view.problems) is not told
    assert all("no checks that run commands" in text for text in view.problems)


def test_too_new_checks_are_left_out(sink, api):
    """What Consul 1.8.7 does not know is left out and said, and the service stands."""
    sink.registrations()
    web = make_instance(
        checks=(
            Check(kind="udp"),
            Check(kind="h2ping"),
            Check(kind="tcp", tls=True, failures_before_warning=2),
        )
    )
    adjusted = sink.adjust(web)
    assert sorted(adjusted.problems) == [
        "check h2ping: Consul 1.8.7 does not know H2PING, H2PingUseTLS",
        "check tcp: Consul 1.8.7 does not know TCPUseTLS, FailuresBeforeWarning",
        "check udp: Consul 1.8.7 does not know UDP",
    ]
    held = put(sink, web)
    assert set(api.checks()) == {f"{web.id}:tcp"}
    assert seen(sink, web.id) == held


def test_fields_are_learned_from_refusals(sink, api):
    """Where the version was never asked, fields that the agent names as unknown are left out."""
    web = make_instance(checks=(Check(kind="udp"), HTTP, Check(kind="tcp", tls=True)))
    assert sink.adjust(web).problems == ()
    put(sink, web)
    assert set(api.checks()) == {f"{web.id}:http", f"{web.id}:tcp"}


def test_report_feeds_and_finds_losses(sink, api):
    """Health is reported to the mirrored checks; one that Consul lost is named."""
    one, two = (make_instance(name, checks=(MIRRORED,)) for name in ("one", "two"))
    for instance in (one, two):
        put(sink, attrs.evolve(instance, status=Status.STARTING))
    keys = [CheckKey(instance.id, "container") for instance in (one, two)]
    assert list(sink.report(dict.fromkeys(keys, PASSING))) == []
    found = api.checks()[f"{one.id}:container.ttl"]
    assert (found["Status"], found["Output"]) == ("passing", "running")
    api.deregister(two.id)
    ill = CheckResult(status=CheckStatus.CRITICAL, output="health: unhealthy")
    assert list(sink.report(dict.fromkeys(keys, ill))) == [keys[1]]
    assert api.checks()[f"{one.id}:container.ttl"]["Status"] == "critical"


def test_ten_cycles_are_twenty_requests(sink, clean_consul, monkeypatch):
    """A full read is two requests, whatever was asked once at the beginning."""
    put(sink, make_instance(checks=(HTTP,)))
    sink.registrations()
    asked = []
    http = sink._client.http._http
    send = http.send
    monkeypatch.setattr(http, "send", lambda *a, **k: asked.append(a[:2]) or send(*a, **k))
    for _ in range(10):
        sink.registrations()
    assert asked == [("GET", "/v1/agent/services"), ("GET", "/v1/agent/checks")] * 10


def test_batch_after_listing(sink, api, open_sink):
    """Many changes at a time, each with its own outcome; removals come after registrations."""
    sink.registrations()
    new = [desired(sink, make_instance(f"s{n}", checks=(HTTP,))) for n in range(60)]
    outcomes = list(sink.apply([Register(one) for one in new]))
    assert [o.error for o in outcomes if o.error] == []
    assert len(api.services()) == 60
    assert len(api.checks()) == 60
    changes = [Deregister(one, Reason.NOT_OFFERED) for one in new[:30]]
    moved = [desired(sink, attrs.evolve(one.instance, port=9)) for one in new[30:]]
    changes += [Update(old, one) for old, one in zip(new[30:], moved, strict=True)]
    outcomes = list(sink.apply(changes))
    assert [o.error for o in outcomes if o.error] == []
    kinds = [type(o.change) for o in outcomes]
    assert kinds == [Update] * 30 + [Deregister] * 30
    assert {r.id for r in sink.registrations().items} == {one.id for one in moved}


def test_one_refused_stops_no_other(sink, api):
    """A registration that Consul refuses is one failed outcome among the others."""
    sink.registrations()
    good = [desired(sink, make_instance(f"g{n}")) for n in range(20)]
    bad = make_registration(make_instance("bad", meta={"not allowed": "x"}))
    outcomes = list(sink.apply([Register(one) for one in (*good[:10], bad, *good[10:])]))
    (failed,) = [o for o in outcomes if o.error]
    assert failed.change.id == bad.id
    assert isinstance(failed.error, PermanentError)
    assert "Invalid Service Meta" in str(failed.error)
    assert len(api.services()) == 20


def test_abandoned_batch_ends(sink, api, monkeypatch):
    """A batch whose outcomes nobody asks for any more begins nothing new."""
    waited_for = threading.Event()

    class Helper(threading.Thread):
        def join(self, timeout=None):
            waited_for.set()
            super().join(timeout)

    def make(change, look):
        if isinstance(threading.current_thread(), Helper):
            # However fast the others are, they have one change each when the batch is given up.
            assert waited_for.wait(30)
        return original(change, look)

    original = sink._make
    monkeypatch.setattr(sink, "_make", make)
    monkeypatch.setattr(parallel, "Thread", Helper)
    sink.registrations()
    new = [Register(desired(sink, make_instance(f"s{n}"))) for n in range(50)]
    outcomes = sink.apply(new)
    next(outcomes)
    outcomes.close()
    assert 1 <= len(api.services()) <= sink._options.concurrency < len(new)


def test_somebody_was_first(sink, api):
    """What appeared since the last listing is not overwritten, nor what was taken over removed."""
    web = make_instance()
    api.register({"ID": web.id, "Name": "theirs"})
    with pytest.raises(Conflict):
        put(sink, web)
    assert api.services()[web.id]["Service"] == "theirs"
    with pytest.raises(Conflict):
        sink.deregister(make_registration(web))
    assert web.id in api.services()


@pytest.mark.parametrize("kind", [Update, Deregister])
def test_a_listing_of_another_thread_is_no_look(sink, api, kind):
    """A large batch from an older listing takes nothing that the last one shows as another's."""
    for n in range(40):
        put(sink, make_instance(f"s{n}"))
    planned = sink.registrations().items
    taken = planned[0]
    api.register({"ID": taken.id, "Name": "theirs"})
    sink.registrations()  # read beside the cycle, which does not know of it yet
    if kind is Update:
        moved = [desired(sink, attrs.evolve(old.instance, port=99)) for old in planned]
        changes = [Update(old, new) for old, new in zip(planned, moved, strict=True)]
    else:
        changes = [Deregister(old, Reason.NOT_OFFERED) for old in planned]
    (failed,) = [outcome for outcome in sink.apply(changes) if outcome.error]
    assert (failed.change.id, type(failed.error)) == (taken.id, Conflict)
    assert api.services()[taken.id]["Service"] == "theirs"


@pytest.mark.parametrize("id_", ["a//b", "/a", "a/../b", ".", "a/.", "./a"])
def test_unreachable_ids_are_refused(sink, id_):
    """Ids that Consul answers with a redirect could never be removed again."""
    with pytest.raises(PermanentError, match="slashes"):
        sink.adjust(make_instance(id=id_))


@pytest.mark.parametrize("id_", ["a/b", "a b", "ü%2F+?#&\"'<\\", "a/", "..a", "x" * 300])
def test_odd_ids_go_round(sink, api, id_):
    """Any other id is registered, fed, updated and removed."""
    web = make_instance(id=id_, checks=(MIRRORED,))
    held = put(sink, web)
    assert seen(sink, id_) == held
    assert list(sink.report({CheckKey(id_, "container"): PASSING})) == []
    moved = sink.update(held, desired(sink, make_instance(id=id_, port=9)))
    assert api.checks() == {}
    sink.deregister(moved)
    assert api.services() == {}


def test_large_tags_and_full_metadata(sink):
    """10 KB tags and as much metadata as Consul has room for are listed as they were written."""
    meta = {f"k{n}" + "x" * 100: "ü" * 256 for n in range(54)}
    web = make_instance(tags=("x" * 10_240, "", "ü\u2028&<"), meta=meta, protocol="udp")
    held = put(sink, web, workload="w" * 512)
    assert held.instance == sink.listed(web)
    assert seen(sink, web.id) == held


def test_a_full_mark_and_full_metadata(sink, api):
    """Every field that one mark can have has room beside as much metadata as is kept."""
    meta = {f"k{n}": "v" for n in range(54)}
    web = make_instance(meta=meta, protocol="udp", tag_override=True, checks=(MIRRORED,))
    held = put(sink, web, identity="i" * 64, hold="drain")
    assert seen(sink, web.id) == held
    assert held.mark.identity == "i" * 64
    (service,) = api.services().values()
    assert len(service["Meta"]) == 64


def test_too_long_mark_is_refused(sink):
    """A mark that Consul has no room for is refused before anything is written."""
    with pytest.raises(PermanentError, match="syncer-workload"):
        put(sink, make_instance(), workload="w" * 513)
    assert sink.registrations().items == ()


def test_wrong_datacenter_is_refused(clean_consul, open_sink):
    """An agent of another datacenter is not written to."""
    with pytest.raises(PermanentError, match="'dc1', not 'moon'"):
        open_sink(clean_consul.url, datacenter="moon").registrations()
    assert open_sink(clean_consul.url, datacenter="dc1").registrations().complete


def test_namespaces_are_for_enterprise(clean_consul, open_sink):
    """A namespace goes with every request; Consul without Enterprise refuses it in words."""
    with pytest.raises(PermanentError, match="Namespaces are a Consul Enterprise feature"):
        open_sink(clean_consul.url, namespace="team").registrations()


def test_mark_survives_other_fields(sink, api):
    """Fields that a later version adds to the mark disturb nothing."""
    web = make_instance()
    mark = {f"syncer-{k}": v for k, v in make_mark(web).fields().items()}
    api.register(body(web, Meta=mark | {"syncer-future": "x", "mine": "y"}))
    found = seen(sink, web.id)
    assert found.mark == make_mark(web)
    assert dict(found.instance.meta) == {"mine": "y"}


@pytest.mark.parametrize("owner", ["", "theirs"])
def test_a_check_of_somebody_else_stays(sink, api, owner):
    """An agent has one name space for all checks; an id from a label could name any of them."""
    api.register({"ID": "theirs", "Name": "theirs"})
    by_hand = {"ID": "vm:disk.tcp", "Name": "disk", "TTL": "60s", "ServiceID": owner}
    api.put("agent/check/register", by_hand)
    sink.registrations()
    taken = make_instance(id="vm", checks=(Check(kind="tcp", key="disk"),))
    with pytest.raises(Conflict, match="vm:disk.tcp"):
        put(sink, taken)
    assert api.checks()["vm:disk.tcp"]["ServiceID"] == owner
    assert "vm" not in api.services()
    api.deregister_check("vm:disk.tcp")
    sink.registrations()
    put(sink, taken)
    assert api.checks()["vm:disk.tcp"]["ServiceID"] == "vm"
