"""What `syncer doctor` finds in the way of registering in etcd."""

from servers.waiting import wait_until
from syncer import Level, PermanentError, Register
from syncer.testing import make_instance, make_registration


def levels(sink):
    return [one.level for one in sink.examine()]


def test_all_is_well(sink):
    """A member answers, and no alarm is raised."""
    assert levels(sink) == [Level.OK]


def test_no_space_left(start_etcd, open_sink):
    """The alarm is a problem, with what an operator must do; afterwards all is well."""
    etcd = start_etcd(args=("--quota-backend-bytes", "2097152"))
    sink = open_sink(etcd.address)
    outcomes = []
    while not any(outcomes):
        big = make_instance(f"s{len(outcomes)}", meta={"x": "y" * 200_000})
        change = Register(make_registration(sink.adjust(big)))
        outcomes += [one.error for one in sink.apply([change])]
        assert len(outcomes) < 40
    assert "no space left" in str(outcomes[-1])
    (_, found) = sink.examine()
    assert found.level is Level.PROBLEM
    assert "no space left" in found.what
    assert "etcdctl alarm disarm" in found.advice
    etcd.ctl("alarm", "disarm")
    wait_until(lambda: levels(sink) == [Level.OK], 20, "the alarm is over")


def test_alarms_that_may_not_be_asked_for(sink, monkeypatch):
    """The rest is told all the same."""

    def refused():
        raise PermanentError("no")

    monkeypatch.setattr(sink._client, "alarms", refused)
    assert levels(sink) == [Level.OK]
