"""One container after another takes over, with clients that ask the registry all the time."""

import contextlib
import http.client
import json
import statistics
import threading
import time

import attrs
import pytest

from servers.waiting import wait_until

#: Seconds that a container goes on to serve after its stop signal, as one that drains itself does.
GRACE = 2
SERVES = "httpd -f -p 8000 -h /www & wait"
SERVES_ON = f"trap 'sleep {GRACE}; exit 0' TERM; {SERVES}"
#: Goes on until it is told that it may end.
SERVES_ON_UNTIL_TOLD = f"trap 'until test -e /tmp/end; do sleep 0.05; done; exit 0' TERM; {SERVES}"
PAUSE = 0.003
LABELS = {"SERVICE_NAME": "web", "SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_INTERVAL": "1s"}


@attrs.frozen
class Answer:
    """What a client was told: between these two moments these addresses were passing."""

    asked: float
    told: float
    addresses: frozenset


class Client(threading.Thread):
    """A client of the service that asks Consul for passing instances every few milliseconds."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self._address, self.answers, self._over = address, [], threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self._address, timeout=10)
        while not self._over.wait(PAUSE):
            asked = time.time()
            connection.request("GET", "/v1/health/service/web?passing=1")
            found = json.loads(connection.getresponse().read())
            addresses = {f"{e['Service']['Address']}:{e['Service']['Port']}" for e in found}
            self.answers.append(Answer(asked, time.time(), frozenset(addresses)))
        connection.close()

    def passing(self):
        """The addresses of the last answer."""
        return self.answers[-1].addresses if self.answers else frozenset()

    def finish(self):
        """Ask no more; returns all answers."""
        self._over.set()
        self.join(30)
        assert not self.is_alive()
        return self.answers


class Visitor(threading.Thread):
    """Asks one instance itself until it answers no more: `stopped` is when it first did not."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self._address, self.stopped = address, None

    def run(self):
        while self._answers():
            time.sleep(PAUSE)
        self.stopped = time.time()

    def _answers(self):
        with contextlib.closing(http.client.HTTPConnection(self._address, timeout=10)) as one:
            try:
                one.request("GET", "/")
                return one.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False


@attrs.frozen
class Stop:
    """One container that was stopped: when it got the signal, and when it answered no more."""

    address: str
    signalled: float
    stopped: float


class Rollout:
    """Replaces one container of the service after another, as an operator would."""

    def __init__(self, docker, client):
        self._docker, self._client = docker, client
        self._since, self.stops = int(time.time()), []

    def start(self, name):
        """Start a container and wait until clients are told of it."""
        self._docker.run(
            name, labels=LABELS, ports={"8000/tcp": None}, command=["sh", "-c", SERVES_ON]
        )
        address = f"127.0.0.1:{self._docker.host_port(name)}"
        wait_until(lambda: address in self._client.passing(), 30, f"{name} to be passing")
        return address

    def stop(self, name, address):
        """`docker stop`, and watch when it answers no more."""
        visitor = Visitor(address)
        visitor.start()
        self._docker.container(name).stop(timeout=30)
        visitor.join(30)
        self.stops.append(Stop(address, self._signalled(name), visitor.stopped))

    def _signalled(self, name):
        """When the engine sent the stop signal, by its own word."""
        events = self._docker.client.events(
            since=self._since,
            until=int(time.time()) + 1,
            filters={"container": name, "event": "kill"},
            decode=True,
        )
        return next(event["timeNano"] for event in events) / 1e9


def windows(answers, stops):
    """Milliseconds from each stop signal to the last answer that still had the address."""
    last = {stop: max(a.told for a in answers if stop.address in a.addresses) for stop in stops}
    return sorted(round(1000 * (told - stop.signalled), 1) for stop, told in last.items())


@pytest.mark.parametrize(
    ("count", "settings"),
    [(10, ()), (5, ("--set", "sinks.consul.withhold=draining"))],
    ids=["marked", "removed"],
)
def test_a_rolling_replacement_is_never_seen(
    start_syncer, parts, clean_docker, clean_consul, count, settings, record_testsuite_property
):
    """No client ever finds no instance, nor one that has stopped, however often it asks."""
    syncer = start_syncer(*parts, "--advertise", "127.0.0.1", *settings)
    syncer.wait_said("source listed")
    client = Client(clean_consul.address)
    client.start()
    rollout = Rollout(clean_docker, client)
    old = ("web0", rollout.start("web0"))
    began = time.time()
    for number in range(1, count + 1):
        new = (f"web{number}", rollout.start(f"web{number}"))
        rollout.stop(*old)
        old = new
    answers = client.finish()
    assert all(answer.addresses for answer in answers if answer.asked > began)
    for stop in rollout.stops:
        wrong = [a for a in answers if stop.address in a.addresses and a.told >= stop.stopped]
        assert not wrong, f"{stop.address} was passing {wrong[-1].told - stop.stopped} s too long"
    late = windows(answers, rollout.stops)
    record_testsuite_property(
        "stop signal to last answer, ms", {"median": statistics.median(late), "worst": late[-1]}
    )


@pytest.fixture
def web(clean_docker):
    """A container that serves on after its stop signal until the test lets it end."""
    clean_docker.run(
        "web",
        labels={"SERVICE_NAME": "web"},
        ports={"8000/tcp": None},
        command=["sh", "-c", SERVES_ON_UNTIL_TOLD],
    )
    return "host1:web:8000"


def stopped_slowly(docker, drained):
    """`docker stop`; while the container still serves it must become `drained`."""
    address = f"127.0.0.1:{docker.host_port('web')}"
    stop = threading.Thread(target=docker.container("web").stop, kwargs={"timeout": 60})
    stop.start()
    try:
        wait_until(drained, 30, "the instance to be out of use")
        assert Visitor(address)._answers()
    finally:
        # The container may end before it tells that the command is done.
        docker.container("web").exec_run(["touch", "/tmp/end"])
        stop.join(60)


def source(docker):
    return (
        *("--source", f"docker={docker.address}", "--advertise", "127.0.0.1"),
        *("--set", "sources.docker.scope=host1"),
    )


def test_eureka_is_told_before_it_ends(start_syncer, start_eureka, clean_docker, web):
    """A container that was told to stop is OUT_OF_SERVICE while it serves, and then gone."""
    eureka = start_eureka()
    start_syncer(*source(clean_docker), "--sink", f"eureka={eureka.url}")

    def statuses():
        return [one["status"] for one in eureka.api.instances("web")]

    wait_until(lambda: statuses() == ["UP"], 60, "it to be up")
    stopped_slowly(clean_docker, lambda: statuses() == ["OUT_OF_SERVICE"])
    wait_until(lambda: statuses() == [], 30, "it to be gone")


def test_etcd_is_told_before_it_ends(start_syncer, start_etcd, clean_docker, web):
    """A container that was told to stop is removed while it serves."""
    etcd = start_etcd()
    start_syncer(*source(clean_docker), "--sink", f"etcd://{etcd.address}/services")

    def entries():
        return list(etcd.api.values("/services/"))

    wait_until(entries, 60, "it to be registered")
    stopped_slowly(clean_docker, lambda: entries() == [])
