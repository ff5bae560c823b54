"""What Eureka does that a client must know: each of its traps, on a real server."""

from contextlib import suppress

import attrs
import pytest

from servers.eureka import FORBIDDEN
from servers.waiting import wait_until
from syncer import Conflict, Status, TemporaryError
from syncer.testing import make_instance, make_registration
from syncer_eureka.api import Place
from syncer_eureka.form.encode import encode

ID = make_instance().id
AMAZON = {"@class": "com.netflix.appinfo.AmazonInfo", "name": "Amazon", "metadata": {}}


def new(sink, instance=None, **fields):
    return make_registration(sink.adjust(instance or make_instance(**fields)))


def ours(sink):
    return {r.id: r for r in sink.registrations().items if r.mark}


def stored(server, instance_id=ID, app="web"):
    return server.api.instance(app, instance_id)


def dirty(server):
    return int(stored(server)["lastDirtyTimestamp"])


@pytest.fixture
def at(monkeypatch):
    """Sets the clock by which the sink says when it changed something, in milliseconds."""

    def set_clock(sink, now):
        monkeypatch.setattr("syncer_eureka.changes.now_ms", lambda: now)

    return set_clock


@pytest.fixture
def beat(sink):
    """Sends the heartbeat of a registration now, whenever it was due; returns the lost ones."""

    def send(held):
        sink._renewer._schedule.again(held.id, 0.0)
        return list(sink.renew([held]))

    return send


def test_heartbeat_that_is_not_known_is_lost_and_registered_again(sink, clean_eureka, beat):
    """404: a lease that is gone is told, and writing it again makes it whole."""
    held = sink.register(new(sink))
    assert beat(held) == []
    clean_eureka.api.cancel("web", ID)
    assert beat(held) == [held]
    again = sink.register(new(sink))
    assert beat(again) == []
    assert ours(sink) == {ID: again}


def test_lost_though_the_list_still_shows_it(sink, clean_eureka, beat):
    """A lost one counts as damaged until it is written again, so that a cycle writes it."""
    held = sink.register(new(sink))
    clean_eureka.api.cancel("web", ID)
    beat(held)
    clean_eureka.api.register("web", ID, metadata=metadata_for(sink, held))
    assert ours(sink)[ID].damaged
    made = sink.update(ours(sink)[ID], new(sink))
    assert made.damaged == ""
    assert ours(sink)[ID].damaged == ""


def metadata_for(sink, held):
    return encode(held, 1, sink._options)["metadata"]


def test_dropped_override_is_a_lost_lease(sink, clean_eureka, beat):
    """An override that was lifted without a value leaves UNKNOWN, and heartbeats get 404."""
    held = sink.register(new(sink))
    clean_eureka.api.override("web", ID, "OUT_OF_SERVICE")
    clean_eureka.api.request("DELETE", f"apps/WEB/{ID}/status")
    assert stored(clean_eureka)["status"] == "UNKNOWN"
    assert beat(held) == [held]
    found = sink.registration(ID)
    assert found.damaged
    made = sink.update(found, new(sink))
    assert stored(clean_eureka)["status"] == "UP"
    assert beat(made) == []


def test_a_registration_that_is_ignored_is_sent_again(sink, clean_eureka, at):
    """204 for an older time of change: it is noticed by reading back, and sent above it."""
    later = 4_000_000_000_000
    sink.register(new(sink))
    found = sink.registrations().items[0]
    raced = []
    register = sink._api.register

    def race(app, body):
        if not raced:  # somebody else writes between our look and our write
            raced.append(app)
            metadata = stored(clean_eureka)["metadata"]
            clean_eureka.api.register("web", ID, metadata=metadata, lastDirtyTimestamp=str(later))
        register(app, body)

    sink._api.register = race
    moved = new(sink, address="10.0.0.7")
    made = sink.update(found, moved)
    assert made.instance.address == "10.0.0.7"
    assert stored(clean_eureka)["ipAddr"] == "10.0.0.7"
    assert dirty(clean_eureka) == later + 1


def test_one_that_is_always_ignored_is_an_error(sink, clean_eureka, monkeypatch):
    """Eureka says yes and takes nothing, again and again: told, and tried in the next cycle."""
    held = sink.register(new(sink))
    monkeypatch.setattr(sink._api, "register", lambda app, body: None)
    with pytest.raises(TemporaryError, match="ignored the registration"):
        sink.update(held, new(sink, address="10.0.0.7"))


def test_the_time_of_change_grows_when_the_clock_steps_back(clean_eureka, open_sink, at):
    """After a restart with a clock of long ago, a change still counts."""
    first = open_sink(clean_eureka.url)
    at(first, 2_000_000_000_000)
    first.register(new(first))
    assert dirty(clean_eureka) == 2_000_000_000_000
    second = open_sink(clean_eureka.url)
    at(second, 1_000_000_000_000)
    moved = new(second, address="10.0.0.7")
    held = second.update(ours(second)[ID], moved)
    assert dirty(clean_eureka) == 2_000_000_000_001
    held = second.update(held, new(second, address="10.0.0.8"))
    assert dirty(clean_eureka) == 2_000_000_000_002
    assert stored(clean_eureka)["ipAddr"] == "10.0.0.8"


def test_the_time_of_change_stays_while_nothing_changes(sink, clean_eureka, beat):
    """Heartbeats say the stored time: another one would be answered by 404, or copied about."""
    held = sink.register(new(sink))
    before = stored(clean_eureka)
    for _ in range(3):
        assert beat(held) == []
    after = stored(clean_eureka)
    assert dirty(clean_eureka) == int(before["lastDirtyTimestamp"])
    renewed = [one["leaseInfo"]["lastRenewalTimestamp"] for one in (before, after)]
    assert renewed[0] < renewed[1]


def test_a_newer_time_in_a_heartbeat_is_answered_by_404(sink, clean_eureka, beat):
    """A server that is behind says so; then it is written to that server."""
    held = sink.register(new(sink))
    ahead = attrs.evolve(held, version=held.version.replace(str(dirty(clean_eureka)), "9" * 13))
    assert beat(ahead) == [ahead]
    made = sink.update(sink.registration(ID), new(sink))
    assert beat(made) == []


@pytest.mark.parametrize("was", ["UP", "DOWN"])
def test_an_operators_override_is_respected(sink, clean_eureka, beat, was):
    """OUT_OF_SERVICE set by hand is no drift, and stays when other things change."""
    status = Status.UP if was == "UP" else Status.UNHEALTHY
    held = sink.register(new(sink, status=status))
    clean_eureka.api.override("web", ID, "OUT_OF_SERVICE")
    for turn in range(10):
        found = ours(sink)[ID]
        assert found.damaged == ""
        assert beat(found) == []
        held = sink.update(found, new(sink, tags=(f"t{turn}",)))
        assert stored(clean_eureka)["status"] == "OUT_OF_SERVICE"
        assert stored(clean_eureka)["overriddenStatus"] == "OUT_OF_SERVICE"
    clean_eureka.api.override("web", ID, None)
    assert stored(clean_eureka)["status"] == "UP"
    assert held.instance.tags == ("t9",)
    assert ours(sink)[ID].damaged == ""


STATUSES = {
    Status.UP: "UP",
    Status.STARTING: "STARTING",
    Status.UNHEALTHY: "DOWN",
    Status.PAUSED: "OUT_OF_SERVICE",
    Status.DRAINING: "OUT_OF_SERVICE",
}


def test_each_status_follows_each(sink, clean_eureka, beat):
    """Also UP to OUT_OF_SERVICE and back, which Eureka ignores in a plain registration."""
    held = sink.register(new(sink))
    for before in STATUSES:
        for after in STATUSES:
            for status in (before, after):
                held = sink.update(held, new(sink, status=status))
                assert stored(clean_eureka)["status"] == STATUSES[status]
                assert stored(clean_eureka)["overriddenStatus"] == "UNKNOWN"
            assert beat(held) == []
            assert stored(clean_eureka)["status"] == STATUSES[after]
            assert ours(sink) == {ID: held}


def test_a_first_registration_may_be_out_of_service(sink, clean_eureka):
    """As what is paused is found at the start."""
    sink.register(new(sink, status=Status.PAUSED))
    assert stored(clean_eureka)["status"] == "OUT_OF_SERVICE"


def test_a_drain_of_ours_that_was_lifted_by_hand_is_made_again(sink, clean_eureka):
    """An override UP beats our OUT_OF_SERVICE while it stands, and no longer."""
    sink.register(new(sink, status=Status.DRAINING))
    clean_eureka.api.override("web", ID, "UP")
    assert ours(sink)[ID].damaged == ""
    clean_eureka.api.override("web", ID, None)
    found = ours(sink)[ID]
    assert found.damaged == "its status is UP, not OUT_OF_SERVICE"
    sink.update(found, new(sink, status=Status.DRAINING))
    assert stored(clean_eureka)["status"] == "OUT_OF_SERVICE"


def test_what_an_override_left_behind_is_not_fought(sink, clean_eureka):
    """A server that forgot an override keeps its status; that was an operator's wish, too."""
    held = sink.register(new(sink))
    body = encode(held, dirty(clean_eureka) + 1, sink._options)
    for status in ("DOWN", "OUT_OF_SERVICE"):
        clean_eureka.api.request("POST", "apps/WEB", {"instance": {**body, "status": status}})
    found = ours(sink)[ID]
    assert (stored(clean_eureka)["status"], found.damaged) == ("OUT_OF_SERVICE", "")
    sink.update(found, new(sink, tags=("more",)))
    assert stored(clean_eureka)["status"] == "OUT_OF_SERVICE"


def test_what_others_changed_by_hand_is_damage(sink, clean_eureka):
    """Status, metadata and address are compared with what we mean, and put right."""
    held = sink.register(new(sink))
    body = encode(held, dirty(clean_eureka), sink._options)
    for word, change in {
        "status": {"status": "DOWN"},
        "metadata": {"metadata": {**body["metadata"], "zone": "x"}},
        "hostName": {"hostName": "elsewhere"},
        "vipAddress": {"vipAddress": "elsewhere"},
        "statusPageUrl": {"statusPageUrl": "http://elsewhere"},
        "securePort": {"securePort": {"$": 9, "@enabled": "false"}},
        "dataCenterInfo": {"dataCenterInfo": AMAZON},
        "leaseInfo": {"leaseInfo": {"durationInSecs": 10, "renewalIntervalInSecs": 30}},
    }.items():
        now = str(dirty(clean_eureka) + 1)
        changed = {**body, **change, "lastDirtyTimestamp": now}
        clean_eureka.api.request("POST", "apps/WEB", {"instance": changed})
        found = ours(sink)[ID]
        assert word in found.damaged or found.instance != held.instance
        sink.update(found, new(sink))
        assert ours(sink)[ID].damaged == ""
    clean_eureka.api.register("web", ID, metadata=body["metadata"], ipAddr="10.9.9.9")
    found = ours(sink)[ID]
    assert found.instance != held.instance
    assert sink.update(found, new(sink)).instance == held.instance


def test_a_list_that_the_server_cannot_write_is_no_empty_list(sink, clean_eureka, beat):
    """Eureka answers 200 and nothing if one instance is not to be serialized: no view then."""
    held = sink.register(new(sink))
    wrong = {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "Amazon"}
    clean_eureka.api.register("bad", "bad", dataCenterInfo=wrong)
    with pytest.raises(TemporaryError, match="not JSON"):
        sink.registrations()
    assert sink.registration(held.id) == held
    # No cycle can come to its end, so the heartbeat itself puts a loss right.
    clean_eureka.api.cancel("web", ID)
    assert beat(held) == []
    assert stored(clean_eureka)["status"] == "UP"
    clean_eureka.api.cancel("bad", "bad")
    assert ours(sink) == {ID: held}


def test_somebody_who_was_first_is_a_conflict(sink, clean_eureka):
    """An instance of this id that no list has shown is not written over."""
    clean_eureka.api.register("web", ID)
    with pytest.raises(Conflict):
        sink.register(new(sink))
    assert stored(clean_eureka)["hostName"] == "10.0.0.9"


def test_a_look_of_long_ago_does_not_count(sink, clean_eureka, monkeypatch):
    """Somebody who came since then is not written over either."""
    assert dict(sink.look_again([ID])) == {ID: None}
    monkeypatch.setattr("syncer_eureka.sink.ABSENCE_TRUSTED", -1.0)
    clean_eureka.api.register("web", ID)
    with pytest.raises(Conflict):
        sink.register(new(sink))
    assert stored(clean_eureka)["hostName"] == "10.0.0.9"


def test_a_list_that_may_not_be_read_is_no_empty_list(start_eureka, open_sink):
    """403 of a server that waits for its peers: an error, while heartbeats and writes go on."""
    server = start_eureka(properties=FORBIDDEN)
    sink = open_sink(server.url)
    held = sink.register(new(sink))
    with pytest.raises(TemporaryError, match="403"):
        sink.registrations()
    assert sink.registration(ID) == held
    assert sink.renew([held]) == []
    # Nobody can list, so no cycle could write again what this server does not know.
    other = new(sink, service="other")
    unknown = attrs.evolve(other, version=f"5 OTHER/{other.id}")
    assert sink.renew([unknown]) == []
    assert sink.registration(other.id).instance == other.instance


def test_an_application_that_moved_is_written_first(sink, clean_eureka):
    """A renamed service is another application: the new one is there before the old one goes."""
    held = sink.register(new(sink))
    moved = new(sink, attrs.evolve(make_instance("shop"), id=ID))
    made = sink.update(held, moved)
    assert ours(sink) == {ID: made}
    assert stored(clean_eureka) is None
    assert stored(clean_eureka, app="shop")["vipAddress"] == "shop"


def test_the_same_id_in_two_applications(sink, clean_eureka):
    """Eureka's ids are unique only in an application; each can be read, and ours is ours."""
    sink.register(new(sink))
    clean_eureka.api.register("other", ID)
    found = {r.id: r for r in sink.registrations().items}
    assert found[ID].mark is not None
    assert found[f"OTHER/{ID}"].mark is None
    assert sink.registration(ID) == found[ID]
    sink.deregister(found[ID])
    assert sink._api.instance(Place("OTHER", ID)) is not None


def test_a_copy_of_an_instance_is_not_ours(sink, clean_eureka):
    """A mark counts only where it was put: who copies the metadata does not give it away."""
    sink.register(new(sink))
    metadata = stored(clean_eureka)["metadata"]
    clean_eureka.api.register("web", "copy", metadata=metadata)
    found = {r.id: r.mark for r in sink.registrations().items}
    assert found["copy"] is None
    assert found[ID] is not None


def test_leases_that_run_out(clean_eureka, open_sink):
    """Without heartbeats an instance goes, when twice its lease is over: Eureka's own way."""
    sink = open_sink(clean_eureka.url, renewal_interval=1, lease_duration=3, timeout=0.9)

    def registered():
        with suppress(TemporaryError):  # a busy machine may take longer
            return sink.register(new(sink))

    wait_until(registered, 30, "it is registered")
    wait_until(lambda: not clean_eureka.api.instances(), 60, "the lease runs out")
