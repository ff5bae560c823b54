"""Much happens among 5,000 instances: the page stays usable, and nobody pays for a slow client."""

import itertools
import json
import socket
import threading
from contextlib import closing

import pytest
from fakes import workload

from servers.waiting import wait_until as patiently
from servers.webpage_fixtures import sees
from syncer.events import CycleFinished, LoopFailed
from syncer.testing import wait_until
from syncer.web import connections

MANY = 5000
#: How often something changes, and the lines and elements that a page may have for all of it.
A_SECOND, LINES, ELEMENTS = 50, 200, 5000


def becomes(page, true):
    """Wait until this is true in the page, whose policy lets nobody evaluate text in it later."""
    patiently(lambda: page.evaluate(true), 60, true)


def address(number):
    return f"10.1.{number // 250}.{number % 250}"


def place(made):
    """Host and port of a site."""
    host, _, port = made.address.partition(":")
    return host, int(port)


class Busy:
    """A source in which something changes all the time: workloads come, move and go."""

    def __init__(self, source):
        self._source, self._end, self.changes = source, threading.Event(), 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        for number in itertools.count():
            self._source.put(workload(f"svc{number % 100:04}", address=f"10.9.0.{number % 250}"))
            self._source.put(workload(f"new{number % 50}", address=f"10.8.0.{number % 250}"))
            self._source.remove(f"new{number % 50}-1")
            self.changes += 3
            if self._end.wait(3 / A_SECOND):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._end.set()
        self._thread.join(30)


@pytest.fixture
def large(site):
    """A site of so many instances, all registered."""
    made = site(*(workload(f"svc{n:04}", address=address(n)) for n in range(MANY)), interval=30.0)
    wait_until(lambda: made.get("instances?state=registered")["total"] == MANY, 60)
    return made


@pytest.mark.server
def test_the_page_is_usable_while_much_happens(large, browse):
    """What is typed, focused, scrolled to and selected stays; filters work; the end is shown."""
    page, asked = browse(large.url), []
    page.on("request", lambda request: asked.append(request.url))
    sees(page, "In sync: 5,000 instances registered in memory.")
    page.get_by_text("connected", exact=True).wait_for()
    with Busy(large.sources["docker"]) as busy:
        wait_until(lambda: busy.changes >= A_SECOND, 60)
        search = page.get_by_role("searchbox")
        search.press_sequentially("svc43 svc4321")
        sees(page, "10.1.17.71:80")
        sees(page, "1 service, 1 instance match")
        assert search.input_value() == "svc43 svc4321"
        assert search.evaluate("one => one === document.activeElement")
        search.fill("svc")
        sees(page, "1 to 50 of 5,000")
        keep_reading(page, busy)
        many = busy.changes
        wait_until(lambda: busy.changes >= many + 4 * A_SECOND, 60)
        assert page.locator("#events > li").count() <= LINES
        assert page.evaluate("document.querySelectorAll('*').length") < ELEMENTS
        assert len(asked) < busy.changes
    large.sources["docker"].put(workload("last", address="10.7.7.7"))
    search.fill("last")
    sees(page, "10.7.7.7:80")
    sees(page, "In sync: 5,001 instances registered in memory.")


def keep_reading(page, busy):
    """Focus a row that does not change, select its address, and scroll; all of it stays."""
    row = page.locator("#rows tr").filter(has=page.get_by_role("button", name="Explain svc0000 "))
    row.wait_for()
    last = page.locator("#rows tr").nth(40)
    last.get_by_role("button", name="Explain").focus()
    last.evaluate("""one => {
        one.scrollIntoView({ block: "center" });
        getSelection().selectAllChildren(one);
        window.row = one;
    }""")
    key = page.evaluate("row.dataset.key")
    for _ in range(2):
        loaded, changes = page.evaluate("Number(document.body.dataset.loaded)"), busy.changes
        wait_until(lambda changes=changes: busy.changes > changes + A_SECOND, 60)
        becomes(page, f"Number(document.body.dataset.loaded) > {loaded}")
    assert page.evaluate("row.isConnected && row.contains(document.activeElement)")
    assert page.evaluate("row.dataset.key") == key
    assert page.evaluate("getSelection().rangeCount && row.contains(getSelection().anchorNode)")
    top, height = page.evaluate("[row.getBoundingClientRect().top, innerHeight]")
    assert 0 < top < height


@pytest.mark.server
def test_who_reads_further_down_is_not_disturbed(site, browse):
    """New lines wait until the list is at its top again, and it is said that there are some."""
    made = site(workload("web"))
    for number in range(100):
        made.engine.tell(LoopFailed(loop="sink x", error=f"line {number}"))
    page = browse(made.url)
    events = page.locator("#events")
    sees(events, "line 99")
    page.get_by_text("connected", exact=True).wait_for()
    events.evaluate("one => { one.scrollTop = 200; }")
    becomes(page, "document.querySelector('#events').scrollTop === 200")
    made.engine.tell(LoopFailed(loop="sink x", error="the newest"))
    sees(page, "newer change")
    assert events.get_by_text("the newest").count() == 0
    assert events.evaluate("one => one.scrollTop") == 200
    events.evaluate("one => { one.scrollTop = 0; }")
    sees(events, "the newest")
    page.locator("#events-more", has_text="newer").wait_for(state="detached")


@pytest.mark.server
def test_the_row_of_one_that_goes_gives_its_focus_to_the_next(site, browse):
    """A person at the keyboard is not thrown back to the beginning of the page."""
    names = ("a", "b", "c")
    made = site(*(workload(name, address=f"10.0.0.{n}") for n, name in enumerate(names, 1)))
    page = browse(made.url)
    sees(page, "3 services, 3 instances")
    page.get_by_role("button", name="Explain b ").focus()
    made.sources["docker"].remove("b-1")
    sees(page, "2 services, 2 instances")
    becomes(page, "document.activeElement.dataset.story === 'h:c:80'")


class TestSlowClients:
    """Who does not read, or does not ask."""

    def stream(self, made):
        """A client that asks for the stream, and then reads nothing of it."""
        client = socket.socket()
        client.settimeout(60)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(place(made))
        asked = b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n"
        client.sendall(asked + b"Last-Event-ID: 999999999\r\n\r\n")  # only what comes from now on
        return client

    def test_a_stream_that_nobody_reads_is_let_go(self, site, monkeypatch):
        """Its place is free for others, syncer goes on, and what waited for it is forgotten."""
        monkeypatch.setattr(connections, "SETTLED", 0.0)
        made = site(workload("web"), streams=1)
        with closing(self.stream(made)) as slow:
            assert slow.recv(1) == b"H"
            assert made.ask("/api/v1/events/stream")[0] == 503
            cycles = len(made.heard.of(CycleFinished))

            def free():
                for number in range(400):  # not so many at once that they are forgotten unsent
                    made.engine.tell(LoopFailed(loop="sink x", error=f"{number} {'x' * 1900}"))
                again = self.stream(made)
                with closing(again):
                    return again.recv(12) == b"HTTP/1.1 200"

            patiently(free, 100, "the place to be free")
            assert json.loads(made.ask("/api/v1/status")[2])["ready"] in (True, False)
            wait_until(lambda: len(made.heard.of(CycleFinished)) > cycles, 30)

    def test_who_asks_slowly_is_let_go(self, site, monkeypatch):
        """A byte now and then keeps no place; those who ask in time are answered meanwhile."""
        monkeypatch.setattr(connections, "PATIENCE", 2.0)
        made = site(workload("web"))
        with closing(socket.create_connection(place(made), timeout=60)) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\n")

            def closed():
                try:
                    slow.sendall(b"X-A: b\r\n")
                    slow.settimeout(0.05)
                    return slow.recv(100) == b""
                except TimeoutError:
                    return False
                except OSError:
                    return True

            wait_until(closed, 60)
        monkeypatch.undo()
        assert made.ask("/healthz")[0] == 200

    def test_so_many_that_ask_nothing_keep_nobody_out(self, site):
        """As many connections as there may be, and more: whoever asks is answered all the same."""
        made = site(workload("web"), streams=1)
        idle = [socket.create_connection(place(made), timeout=60) for _ in range(150)]
        try:
            for one in idle:
                one.sendall(b"GET /healthz HTTP/1.1\r\n")
            assert made.ask("/healthz")[0] == 200
            assert made.ask("/readyz")[0] in (200, 503)
        finally:
            for one in idle:
                one.close()
