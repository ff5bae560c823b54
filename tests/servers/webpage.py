"""A status page over an engine of fakes, in this process, and a client for it."""

import contextlib
import http.client
import json
import threading
from importlib.resources import files
from urllib.parse import urlsplit

from fakes import Heard
from jsonschema import Draft202012Validator

import syncer
from servers import secrets
from syncer.api.options import Secret
from syncer.config.web_rules import WebRules
from syncer.events import CycleFinished
from syncer.events.status import Status
from syncer.testing import wait_until
from syncer.web.api import About
from syncer.web.server import Page

TOKEN = secrets.secret("w3b-t0ken-of-the-tests")


#: What the API says of itself.
DESCRIBED = json.loads((files("syncer.web") / "openapi.json").read_text())


def check(path, found, status=200, method="get", kind="application/json"):
    """Hold an answer to the description of its path; returns it."""
    answers = DESCRIBED["paths"][path][method]["responses"]
    schema = answers[str(status)]["content"][kind]["schema"]
    whole = {**schema, "components": DESCRIBED["components"]}
    Draft202012Validator(whole).validate(found)
    return found


class Site:
    """A page that is served, and what it shows: sources, sinks, engine."""

    def __init__(self, sources, sinks, *, token="", interval=0.2, begin=True, guard=None, **rules):
        self.sources, self.sinks, self.heard, self.guard = sources, sinks, Heard(), guard
        self.status = Status(interval=interval)
        self.page = Page(self.status)
        self.engine = self._engine(
            interval=interval, listeners=[self.status, self.page, self.heard]
        )
        rules = WebRules(listen="127.0.0.1:0", token=Secret(token), **rules)
        about = About(
            sources={name: name for name in sources},
            sinks={name: name for name in sinks},
            reading=rules.token_for == "all",
            changing=bool(token),
        )
        self.url = self.page.open(self.engine, rules, about, self._engine)
        self.address = urlsplit(self.url).netloc
        if begin:
            self.engine.start()
            self.settle()

    def _engine(self, **options):
        return syncer.Engine(self.sources, self.sinks, guard=self.guard, **options)

    def settle(self):
        """Wait until every sink has had a cycle."""
        wait_until(
            lambda: {one.sink for one in self.heard.of(CycleFinished)} >= set(self.sinks), 30
        )

    def ask(self, path, method="GET", *, headers=None, body=None, token=""):
        """Status, headers and text of an answer, which is searched for secrets."""
        line = http.client.HTTPConnection(self.address, timeout=30)
        given = {"Authorization": f"Bearer {token}"} if token else {}
        with contextlib.closing(line):
            line.request(method, path, body, {**given, **(headers or {})})
            answer = line.getresponse()
            text = answer.read().decode()
        secrets.search(text, f"the page's answer to {path}")
        return answer.status, answer.headers, text

    def get(self, path, **options):
        """What the API answers, as JSON types; asks again where it says so."""
        status, headers, text = self.ask(f"/api/v1/{path}", **options)
        while status == 503:
            threading.Event().wait(float(headers["Retry-After"]))
            status, headers, text = self.ask(f"/api/v1/{path}", **options)
        assert status == 200, text
        return json.loads(text)

    def close(self):
        for sink in self.sinks.values():
            for gate in getattr(sink, "gates", {}).values():
                gate.set()
        self.engine.stop()
        self.page.stop(30)
