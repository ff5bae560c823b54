"""What the API answers, and that it is what its description says."""

import http.client
import itertools
import json
import time
from contextlib import closing

import attrs
import pytest
from fakes import FakeSink, FakeSource, exited, held, offer, workload

import syncer
from servers.webpage import DESCRIBED, TOKEN, check
from syncer.api.keys import Part
from syncer.config.web_rules import WebRules
from syncer.events import ConfigReloaded, CycleFinished, LoopFailed, PulseBeaten, SourceListed
from syncer.events.status import SLACK, Known, Status
from syncer.testing import ManualClock, wait_until
from syncer.web import streams
from syncer.web.api import STORIES
from syncer.web.board import BEHIND, Board
from syncer.web.rows import REST, LastRows, Rows
from syncer.web.streams import BEAT, Streams
from syncer.web.throttle import AT_ONCE, SHARE, Throttle


def names(found):
    return [item["id"] for item in found["items"]]


@pytest.fixture
def full(site):
    """A site in which something of every kind has happened."""
    sink, other = FakeSink(), FakeSink()
    sink.store.put(held("h:db:80", service="db", owner="else"), None)
    other.store.put(held("h:old:80", service="old", owner="else"), None)
    sink.fail["register", "h:bad:80"] = syncer.PermanentError("no such name")
    other.fail["registrations"] = syncer.TemporaryError("connection refused")
    rich = offer(
        service="web", tags=("a", "b"), meta={"k": "v"}, checks=(syncer.Check(kind="http"),)
    )
    made = site(
        workload("web", offers=(rich,), labels={"l": "x"}, health=syncer.Health.HEALTHY),
        workload("db"),
        workload("bad"),
        exited(workload("gone")),
        sinks={"memory": sink, "other": other},
        token=TOKEN,
        begin=False,
    )
    made.engine.start()
    wait_until(lambda: made.get("status")["sinks"][1]["state"] == "failing", 30)
    wait_until(lambda: made.get("skips?kind=conflict")["total"] == 1, 30)
    wait_until(lambda: "h:web:80" in sink.ids(), 30)
    (web,) = [one for one in sink.store.all() if one.id == "h:web:80"]
    strayed = attrs.evolve(web.instance, tags=("by hand",))
    sink.store.put(attrs.evolve(web, instance=strayed), web.version)
    made.engine.refresh()
    wait_until(lambda: made.get("drift"), 30)
    wait_until(lambda: made.get("instances?state=held")["total"] >= 2, 30)
    return made


class TestDescribed:
    """The API against `openapi.json`, which it serves."""

    @pytest.mark.parametrize(
        "path",
        ["status", "sources", "sinks", "instances", "services", "registrations", "skips"]
        + ["drift", "events", "not-registered"],
    )
    def test_answers(self, full, path):
        """No field is missing, and none is there that is not described."""
        assert check(f"/api/v1/{path}", full.get(path))

    def test_stories(self, full):
        """Of what is registered, what is not, and what is not there at all."""
        for name in ("web", "db", "gone"):
            assert check("/api/v1/explain", full.get(f"explain?name={name}"))
        status, _, text = full.ask("/api/v1/explain?name=nobody")
        assert (status, check("/api/v1/explain", json.loads(text), 404)) == (404, [])

    def test_refusals(self, full):
        """Each has words."""
        for path, method, status, token in (
            ("explain", "GET", 400, ""),
            ("drain", "POST", 400, TOKEN),
            ("drain", "POST", 401, "wrong"),
        ):
            found, _, text = full.ask(f"/api/v1/{path}", method, token=token)
            assert found == status
            assert check(f"/api/v1/{path}", json.loads(text), status, method.lower())["error"]

    def test_readiness(self, full):
        """With the loops that are late."""
        status, _, text = full.ask("/readyz")
        assert check("/readyz", json.loads(text), status)

    def test_it_describes_every_path_that_there_is(self, full):
        """No more and no less; and it is served as it is in the package."""
        from syncer.web.app import _FILES, App

        served = full.get("openapi.json")
        assert served == DESCRIBED
        app = App(None, type("M", (), {"text": bytes})(), None, WebRules())
        there = {(path, verb.lower()) for verb, path in app._answers if path not in _FILES}
        described = {(path, verb) for path, verbs in DESCRIBED["paths"].items() for verb in verbs}
        assert there == described

    def test_what_is_done(self, full):
        """Draining and looking again."""
        body = json.dumps({"name": "web", "force": True})
        for path, given in (("drain", body), ("undrain", body), ("refresh", None)):
            found = full.get(path, method="POST", token=TOKEN, body=given)
            check(f"/api/v1/{path}", found, method="post")


class TestParts:
    """Sources and sinks that do not work."""

    def test_a_broken_stream_of_events(self, site):
        """It shows at once, though the source answers; everything is listed for it, once."""

        class Deaf(FakeSource):
            def watch(self, wake, stop):
                self._before("watch")
                raise syncer.TemporaryError("the stream ended")

        made = site(sources={"docker": Deaf(workload())})
        wait_until(lambda: made.get("sources")[0]["state"] == "degraded", 30)
        status = made.get("status")
        (source,) = status["sources"]
        assert source["why"] == "no events: the stream ended"
        assert source["since"]
        assert status["ready"]
        assert [one["loop"] for one in status["failing"]] == ["watch docker"]
        assert check("/api/v1/status", status)

    def test_a_sink_that_was_never_reached(self, full):
        """Nothing is known of it: not 0 entries, and no renewal."""
        memory, other = full.get("sinks")
        unknown = ("registrations", "registered", "ours", "foreign", "unchanged")
        assert [other[key] for key in unknown] == [None] * 5
        assert (memory["registered"], memory["wanted"]) == (1, 3)
        assert other["since"]

    def test_what_is_not_registered(self, full):
        """In the overview, counted by kind, and as a list to search."""
        status = full.get("status")
        (one,) = status["not_registered"]
        assert (one["workload"], one["kind"]) == ("gone", "state")
        assert status["left_out"] == {"workloads": 1, "kinds": {"state": 1}}
        assert full.get("not-registered?q=gone+exited&kind=state")["items"] == [one]
        assert full.get("not-registered?kind=filtered")["total"] == 0


class TestInstances:
    """What should be and what is, joined."""

    def test_how_each_stands(self, full):
        """In each sink, with the reason in words; the worst is how it stands as a whole."""
        rows = {row["id"]: row for row in full.get("instances")["items"]}
        web = rows["h:web:80"]["sinks"]
        assert web["memory"] == {"state": "registered", "why": ""}
        assert web["other"]["state"] == "unknown"
        assert "connection refused" in web["other"]["why"]
        assert rows["h:db:80"]["sinks"]["memory"]["why"].startswith("conflict")
        bad = rows["h:bad:80"]["sinks"]["memory"]
        assert "no such name" in bad["why"]
        assert rows["h:bad:80"]["state"] in ("failed", "held")

    def test_a_part_is_asked_for(self, site):
        """By words, sink, source, state and whose; in pages."""
        sink = FakeSink()
        sink.store.put(held("h:alien:80", service="alien", owner="else"), None)
        made = site(
            *(workload(f"w{n:02}", address=f"10.0.0.{n}") for n in range(1, 31)),
            sinks={"memory": sink},
        )
        wait_until(lambda: made.get("instances?state=registered")["total"] == 31, 30)
        assert names(made.get("instances?q=W07")) == ["h:w07:80"]
        assert names(made.get("instances?q=10.0.0.7%20w0")) == ["h:w07:80"]
        assert names(made.get("instances?whose=others")) == ["h:alien:80"]
        assert made.get("instances?whose=ours")["total"] == 30
        assert made.get("instances?source=docker&whose=ours")["total"] == 30
        assert made.get("instances?source=none")["total"] == 0
        assert made.get("instances?sink=none")["total"] == 0
        part = made.get("instances?whose=ours&offset=10&limit=5")
        assert names(part) == [f"h:w{n}:80" for n in range(11, 16)]
        assert len(made.get("instances?limit=0")["items"]) == 1

    def test_a_sink_has_only_what_its_sources_offer(self):
        """What a sink does not take is not missing there."""
        engine = syncer.Engine({"docker": FakeSource(workload("web"))}, {"memory": FakeSink()})
        engine.reconcile()
        now = attrs.evolve(engine.now(), takes={"memory": ("another",)})
        rows = Rows(now, Known()).all()
        engine.stop()
        assert [row.plain["sinks"] for row in rows if row.plain["wanted"]] == [{}]


class TestServices:
    """Instances in groups, those that need attention first."""

    def test_the_ill_come_first(self, site):
        """By their status; counted, and so many of each as are asked for."""
        ill = {"health": syncer.Health.UNHEALTHY, "health_output": "exit 1"}
        same = [offer("web", id="", register_address=f"10.0.0.{n}") for n in range(1, 4)]
        made = site(
            workload("app"),
            *(workload(f"w{n}", offers=(one,)) for n, one in enumerate(same)),
            workload("bad", offers=(offer("web", id="", register_port=99),), **ill),
        )
        wait_until(lambda: made.get("instances?state=registered")["total"] == 5, 30)
        found = check("/api/v1/services", made.get("services?each=2"))
        web, app = found["items"]
        assert (found["total"], found["instances"]) == (2, 5)
        assert (web["service"], web["total"], app["service"]) == ("web", 4, "app")
        assert list(web["statuses"].items()) == [("unhealthy", 1), ("up", 3)]
        assert web["sinks"] == web["registered"] == {"memory": 4}
        first, second = web["instances"]
        assert (first["status"], first["status_why"]) == ("unhealthy", "exit 1")
        assert second["status"] == "up"
        assert made.get("services?status=unhealthy")["instances"] == 1
        assert made.get("services?service=app&status=unhealthy")["total"] == 0
        assert made.get("status")["statuses"] == {"unhealthy": 1, "up": 4}

    def test_a_registry_that_was_never_read_holds_an_unknown_number(self, full):
        """And it is told since when it is away; of the other it is known."""
        status = full.get("status")
        memory, other = status["sinks"]
        assert (memory["wanted"], memory["since"]) == (3, None)
        assert (other["wanted"], other["registered"]) == (3, None)
        assert other["since"][:19] <= status["time"][:19]

    def test_the_flow(self, full):
        """The instances of each service, by source and sink; the host is the sources' scope."""
        status = full.get("status")
        assert status["host"] == "h"
        assert {one["service"] for one in status["flow"]} == {"web", "db", "bad"}
        assert all(one["sources"] == {"docker": 1} for one in status["flow"])

    def test_a_skip_says_what_it_means(self, full):
        """In plain words; those that someone should look at come first."""
        first = full.get("skips")["items"][0]
        assert first["problem"]
        (conflict,) = full.get("skips?kind=conflict")["items"]
        assert conflict["means"].startswith("the id belongs to another owner")
        assert not set("[]`(") & set(conflict["means"])


class TestMuch:
    """Much happens, many ask, and there are many: answers are bounded, and so is what they cost."""

    def test_rows_are_not_made_anew_at_each_question(self):
        """For four times as long as making them took, those that are there are enough."""
        clock, asked = ManualClock(), []

        def make():
            asked.append(board.number)
            clock.advance(1)
            return (board.number,)

        board = Board()
        rows = LastRows(make, clock)
        assert rows(board.number) == (0, (0,))
        for _ in range(3):
            board(LoopFailed(loop="sink x", error="something happens"))
            assert rows(board.number) == (0, (0,))
        clock.advance(REST)
        assert rows(board.number) == (3, (3,))
        clock.advance(REST)
        assert rows(board.number) == (3, (3,))
        assert asked == [0, 3]

    def test_an_answer_says_what_it_knows_of(self, site):
        """The number of a line: a page that has heard more asks again."""
        made = site(workload("web"))
        wait_until(lambda: made.get("instances")["total"] == 1, 30)
        made.engine.tell(LoopFailed(loop="sink x", error="something happens"))
        last = made.get("events")[-1]["number"]
        wait_until(lambda: made.get("instances")["number"] >= last, 30)

    def test_an_answer_ends_when_it_is_long(self, site, monkeypatch):
        """The rest is asked for by its offset; one item there is always."""
        monkeypatch.setattr("syncer.web.lists.LARGEST", 2000)
        tags = ["x" * 1500]
        made = site(
            *(workload(f"w{n}", offers=(offer(f"w{n}", id="", tags=tags),)) for n in range(9))
        )
        wait_until(lambda: made.get("instances")["total"] == 9, 30)
        for path in ("instances", "registrations"):
            wait_until(lambda: made.get(path)["total"] == 9, 30)  # noqa: B023
            seen, found = [], {"more": True}
            while found["more"]:
                found = made.get(f"{path}?offset={len(seen)}")
                assert len(found["items"]) == 1
                seen += names(found)
            assert len(set(seen)) == 9
        assert len(made.get("explain?name=h:w1:80")) == 1
        made = site(*(workload(f"w{n}", offers=(), problems=("x" * 1500,)) for n in range(9)))
        wait_until(lambda: made.get("status")["left_out"]["workloads"] == 9, 30)
        found = made.get("status")
        assert len(found["not_registered"]) < sum(found["left_out"]["kinds"].values())

    def test_answers_take_a_share_of_the_time(self):
        """However many ask; what is used at once is used up, and comes back in time."""
        clock, used = ManualClock(), ManualClock(0.0)
        throttle = Throttle(clock, used)
        while not throttle.wait():
            with throttle.counted():
                used.advance(0.5)
        assert used() == AT_ONCE
        made = 0.0
        for _ in range(1000):
            clock.advance(0.1)
            if not throttle.wait():
                with throttle.counted():
                    used.advance(0.5)
                made += 0.5
        assert 0.9 * 100 * SHARE <= made <= 100 * SHARE + 0.5

    @pytest.mark.parametrize(
        "path",
        ["status", "sources", "sinks", "instances?q=w", "registrations?q=w", "skips", "drift"]
        + ["events", "explain?name=web", "guard", "/metrics"],
    )
    def test_whoever_asks_too_much_is_told_when_to_ask_again(self, site, path, monkeypatch):
        """Nothing is made then. Whether it lives is answered, and changes are made."""
        made = site(workload("web"), token=TOKEN)
        monkeypatch.setattr(Throttle, "wait", lambda self: 7)
        path = path if path.startswith("/") else f"/api/v1/{path}"
        status, headers, text = made.ask(path)
        assert (status, headers["Retry-After"]) == (503, "7")
        assert check(path.partition("?")[0], json.loads(text), 503)["error"]
        for free in ("/healthz", "/", "/page.js", "/api/v1/openapi.json"):
            assert made.ask(free)[0] == 200
        assert made.ask("/readyz")[0] in (200, 503)
        assert made.ask("/api/v1/refresh", "POST", token=TOKEN)[0] == 200

    def test_stories_are_bounded(self, site):
        """Of a service that many offer, the first are told."""
        same = offer(service="web", id="")
        many = [workload(f"w{n:03}", offers=(same,), number=str(n)) for n in range(STORIES + 10)]
        made = site(*many)
        assert len(made.get("explain?name=web")) == STORIES
        assert len(made.get("explain?name=w007")) == 1


class TestReady:
    """/healthz says that it lives, /readyz that it gets on."""

    def test_it_gets_on(self, site):
        """Every loop has had a success."""
        made = site(workload("web"))
        wait_until(lambda: made.ask("/readyz")[0] == 200, 30)
        assert made.ask("/healthz")[::2] == (200, "ok\n")

    def test_a_sink_that_hangs_is_late(self, site):
        """The process is well, and the page says which loop is not; why, only with the token."""
        sink = FakeSink()
        sink.gates["registrations"].clear()
        made = site(workload("web"), sinks={"memory": sink}, begin=False, token="t0ken")
        made.engine.start()
        wait_until(lambda: made.get("sources")[0]["state"] == "working", 30)
        status, _, text = made.ask("/readyz")
        assert status == 503
        assert json.loads(text)["late"] == [{"loop": "sink memory"}]
        text = made.ask("/readyz", token="t0ken")[2]
        assert json.loads(text)["late"] == [{"loop": "sink memory", "why": "has not succeeded yet"}]
        assert made.ask("/healthz")[0] == 200

    def test_a_reading_that_never_ends_is_late(self):
        """Cycles go on beside it, with what was read before: they succeed, and see no drift."""
        clock = ManualClock()
        status = Status(interval=10, clock=clock)
        names = ((), {"s": None})
        for readings in (1, 2):
            status(CycleFinished(sink="s", plan=syncer.Plan(), readings=readings))
            clock.advance(30 + SLACK)
            assert status.late(*names) == {}
        for _ in range(3):
            clock.advance(1)
            status(CycleFinished(sink="s", plan=syncer.Plan(), readings=2))
        assert status.late(*names) == {Part("sink", "s"): "not read for 63 s"}
        status(CycleFinished(sink="s", plan=syncer.Plan(), readings=3))
        assert status.late(*names) == {}

    def test_a_reader_that_hangs_makes_it_unready(self, site, monkeypatch):
        """Though what changes is registered all the while."""
        monkeypatch.setattr("syncer.events.status.SLACK", 0.5)
        sink = FakeSink()
        sink.reads_beside = True
        made = site(workload("web"), sinks={"memory": sink})
        wait_until(lambda: made.ask("/readyz")[0] == 200, 30)
        sink.gates["registrations"].clear()
        ports = itertools.count(100)

        def unready():
            made.sources["docker"].put(workload("db", port=next(ports)))
            return made.ask("/readyz")[0] == 503

        wait_until(unready, 60)
        assert made.get("sinks")[0]["state"] == "working"
        sink.gates["registrations"].set()
        wait_until(lambda: made.ask("/readyz")[0] == 200, 30)

    def test_a_success_grows_old(self):
        """Three intervals and a while, whatever the loop says; a pulse by its own interval."""
        clock = ManualClock()
        status = Status(interval=10, clock=clock)
        status(SourceListed(source="d", workloads=1))
        status(CycleFinished(sink="s", plan=syncer.Plan()))
        status(PulseBeaten(sink="s", every=100))
        names = ({"d": None}, {"s": None})
        clock.advance(30 + SLACK)
        assert status.late(*names) == {}
        clock.advance(1)
        status(LoopFailed(loop="sink s", error="refused"))
        late = status.late(*names)
        assert set(late) == {"source d", "sink s"}
        assert late["sink s"].endswith("refused")
        status(SourceListed(source="d", workloads=1, complete=False))
        assert "source d" in status.late(*names)
        status(CycleFinished(sink="s", plan=syncer.Plan(), retry=True, failed={"a": "later"}))
        assert "sink s" in status.late(*names)
        status(CycleFinished(sink="s", plan=syncer.Plan()))
        assert set(status.late(*names)) == {"source d"}
        clock.advance(400)
        assert "pulse s" in status.late(*names)

    def test_a_reload_is_no_standstill(self):
        """Nor is it a success, however often it comes: what counts is when there was one."""
        clock = ManualClock()
        status = Status(interval=10, clock=clock)
        names = ({"d": None}, {"s": None})
        again = ConfigReloaded(interval=20, changed=("interval",))
        status(SourceListed(source="d", workloads=1))
        status(again)
        assert status.late(*names) == {"sink s": "has not succeeded yet"}
        status(CycleFinished(sink="s", plan=syncer.Plan()))
        status(again)
        assert status.late(*names) == {}
        for _ in range(4):
            clock.advance((60 + SLACK) / 4)
            status(SourceListed(source="d", workloads=1))
            status(again)
        assert status.late(*names) == {}
        clock.advance(1)
        assert set(status.late(*names)) == {"sink s"}


class TestStream:
    """What happens, as it happens."""

    def lines(self, site, after=0):
        line = http.client.HTTPConnection(site.address, timeout=30)
        line.request("GET", "/api/v1/events/stream", headers={"Last-Event-ID": str(after)})
        return line, line.getresponse()

    def until(self, answer, words):
        """Read until these words come."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            line = answer.readline().decode()
            if words in line:
                return line
        raise AssertionError(f"{words!r} did not come")

    def test_a_new_workload_is_told(self, site):
        """Without asking again; with a number to go on from."""
        made = site(workload("web"))
        line, answer = self.lines(made)
        with closing(line), closing(answer):
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            made.sources["docker"].put(workload("db", port=81))
            told = json.loads(self.until(answer, '"h:db:80"').partition(": ")[2])
            assert (told["message"], told["fields"]["service"]) == ("registered", "db")

    def test_text_of_others_forges_no_event(self, site):
        """Line breaks in a name stay inside the data."""
        made = site(workload("web"))
        line, answer = self.lines(made)
        with closing(line), closing(answer):
            made.engine.tell(LoopFailed(loop="sink x", error="a\n\nevent: gap\ndata: {}\n\n"))
            assert self.until(answer, "event: gap").startswith("data: {")

    def test_not_more_than_are_allowed(self, site):
        """The next is refused with words, other questions are answered, and a place comes free."""
        made = site(workload("web"), streams=2)
        held_open = [self.lines(made) for _ in range(2)]
        status, headers, text = made.ask("/api/v1/events/stream")
        assert (status, headers["Retry-After"]) == (503, "10")
        assert "too many" in json.loads(text)["error"]
        assert made.ask("/healthz")[0] == 200
        for line, answer in held_open:
            answer.close()
            line.close()

        def free():  # without any line: a quiet syncer notices too
            line, answer = self.lines(made)
            with closing(line), closing(answer):
                return answer.status == 200

        wait_until(free, 20 * BEAT)

    def test_who_lags_is_told_of_the_gap(self):
        """Lines that are forgotten are not sent; the page asks anew."""
        board = Board()
        streams = Streams(board, 1)
        stream = streams.open(1)
        for number in range(BEHIND + 10):
            board(LoopFailed(loop="sink x", error=str(number)))
        next(stream)
        assert next(stream).startswith(b"event: gap")
        board(LoopFailed(loop="sink x", error="the next"))
        assert b"the next" in next(stream)
        assert streams.open(0) is None
        stream.close()
        stream.close()
        assert streams.open(0) is not None

    def test_who_knows_an_earlier_process_is_told_of_the_gap(self):
        """At once: its number is not waited for."""
        board = Board()
        board(LoopFailed(loop="sink x", error="the first"))
        stream = Streams(board, 1).open(7)
        next(stream)
        assert next(stream) == b'event: gap\nid: 1\ndata: {"number": 1}\n\n'

    def test_lines_gather(self, monkeypatch):
        """While much happens a stream wakes now and then, and sends what came meanwhile at once."""
        board, happens = Board(), iter(range(100))

        def sleep(_):
            for _ in range(10):
                board(LoopFailed(loop="sink x", error=str(next(happens))))

        monkeypatch.setattr(streams, "sleep", sleep)
        stream = Streams(board, 1).open(0)
        board(LoopFailed(loop="sink x", error="the first"))
        next(stream)
        counts = [next(stream).count(b"event: line") for _ in range(4)]
        assert counts == [1, 10, 10, 10]

    def test_it_ends_when_syncer_does(self, site):
        """No client holds the end up."""
        made = site(workload("web"))
        line, answer = self.lines(made)
        with closing(line), closing(answer):
            made.close()
            assert answer.read() is not None
