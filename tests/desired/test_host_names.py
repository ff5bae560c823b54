"""Which words to advertise are host names."""

import socket
import threading

import pytest

from servers.waiting import wait_until
from syncer import Host
from syncer.desired import host_names
from syncer.desired.host_names import HostNames

HOST = Host(name="h", addresses={"eth0": ("10.0.0.5",)})


@pytest.fixture
def name_server(monkeypatch):
    """Answers for the system: a mapping of names to what is raised for them, or to addresses."""
    answers = {}

    def ask(name, port):
        answer = answers.get(name, socket.gaierror(socket.EAI_NONAME, "no such name"))
        if callable(answer):
            answer()
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return answers


def test_a_name_that_resolves(name_server):
    """It may be advertised, with a dot or without."""
    name_server.update({"host.example": "10.0.0.5", "web1": "10.0.0.5"})
    for word in name_server:
        assert HostNames(word).noted_on(HOST).names == {word}


@pytest.mark.parametrize("word", ["em1", "p2p1", "team0", "zt5u4y6ab", "typo.example", "x" * 80])
def test_a_word_that_does_not_resolve(name_server, word):
    """It is not one, whatever it looks like."""
    assert HostNames(word).noted_on(HOST) == HOST


@pytest.mark.parametrize("word", ["", "10.0.0.5", "10.0.0.0/24", "fd00::1"])
def test_what_is_no_word(name_server, word):
    """The name server is not asked about it."""
    name_server[word] = pytest.fail
    assert HostNames(word).noted_on(HOST) == HOST


def test_an_interface_never_becomes_a_host_name(name_server, monkeypatch):
    """Also if a name server knows every word: one that was an interface, or is called like one."""
    name_server.update(dict.fromkeys(("em1", "eth9", "em2"), "192.0.2.1"))
    names = HostNames("em1")
    there = Host(name="h", addresses={"em1": ("10.0.0.6",)})
    assert names.noted_on(there) == there
    assert names.noted_on(HOST) == HOST
    assert HostNames("eth9").noted_on(HOST) == HOST
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(7, "em2")])
    assert HostNames("em2").noted_on(HOST) == HOST


def test_a_name_server_that_fails_says_nothing(name_server):
    """What it said before counts until it says that there is no such name."""
    names = HostNames("web1")
    name_server["web1"] = socket.gaierror(socket.EAI_AGAIN, "try again")
    assert names.noted_on(HOST).names == frozenset()
    name_server["web1"] = "10.0.0.5"
    assert names.noted_on(HOST).names == {"web1"}
    name_server["web1"] = socket.gaierror(socket.EAI_AGAIN, "try again")
    assert names.noted_on(HOST).names == {"web1"}
    del name_server["web1"]
    assert names.noted_on(HOST).names == frozenset()


def test_a_name_server_that_does_not_answer(name_server, monkeypatch):
    """Nobody waits for it longer than a moment, and its answer counts when it comes."""
    monkeypatch.setattr(host_names, "PATIENCE", 0.01)
    released, asked = threading.Event(), []

    def answer():
        asked.append(1)
        released.wait(30)

    name_server["web1"] = answer
    names = HostNames("web1")
    for _ in range(3):
        assert names.noted_on(HOST).names == frozenset()
    assert asked == [1]
    released.set()
    wait_until(lambda: names.noted_on(HOST).names == {"web1"}, 10, "the answer to count")
