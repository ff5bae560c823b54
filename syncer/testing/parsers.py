"""The contract of every label parser, as tests: subclass `ParserContract` and give fixtures.

clause    says                                                needs
offers    labels make an offer: with its port, a `because`,   parse, offering,
          and no problem                                      `keys`
others    without labels of the dialect there is no offer,
          no problem, and nothing is ignored
ignored   labels can forbid to register a workload: there is  ignoring
          no offer, and `ignored` says why
mistakes  a label written wrongly is a problem that names it  mistaken
raises    never, whatever is in labels and variables, and the
          core can make instances of the offers
bounded   numbers and lengths of what is offered or reported
          have limits, however much is in the labels
lines     problems, `ignored` and `because` are one line each,
          without control characters
text      offers have no control characters (line ends only
          in bodies and commands), and can be encoded
ids       offers without an id differ in port or protocol,
          since the core makes their ids of these
ports     offered ports are those that can be registered, or
          in the labels
same      the answer depends on the workload alone: not on
          the order of its labels, nor on earlier workloads
secrets   values of variables are in no problem
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

import attrs
import pytest

from syncer import Binding, Host, Network, Parsed, Port, Reachable, Workload
from syncer.desired.translate import Translator
from syncer.kits.labels import unfit
from syncer.testing.builders import SCOPE, SOURCE
from syncer.testing.clauses import Contract, clause, needed

Parse = Callable[[Workload, Reachable], Parsed]
Answers = Collection[tuple[Workload, Parsed]]

_ANSWERS = pytest.StashKey[dict[str, Answers]]()

#: Limits of `bounded`: offers, or tags of one; problems; characters of a text, and of a problem.
MOST, MOST_PROBLEMS, LONGEST_TEXT, LONGEST_PROBLEM = 2000, 200, 8192, 2000

_SECRET = "hunter2"
_HOST = Host(name="a", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")
_PUBLISHED = tuple(
    Port(number=number, protocol=protocol, bindings=(Binding(address="0.0.0.0", port=number + 1),))
    for number, protocol in ((8080, "tcp"), (5353, "udp"))
)
#: The ports of `make_labelled`, as a parser gets them.
REACHABLE = Reachable(ports=_PUBLISHED, all_ports=(*_PUBLISHED, Port(number=9000)))
_ODD = (
    *("true", "false", "80", "53/udp", "-1", "10s", "a,b", "/x", "a: b", "{}", "'", "nan", "²", ""),
    *("10.0.0.1", "0.0.0.0", "[::1]", "224.0.0.1", "http://[", "http://10.0.0.1:80"),
    *("\ud800", "\0", "a\r\nb", "a\u2028b", "é\u202e"),
)
_CHARACTERS = "azAZ09_-.,:;/\\|{}[]()'\"=%@# \t\r\n\0\x7fé²\u2028\u202e\U0001f600"
_LONG = (
    "x" * 20_000,
    ",".join(map(str, range(5000))),
    "[" * 20_000,
    "9" * 20_000,
    "é\u202e" * 9999,
)


def make_labelled(
    labels: Mapping[str, str], env: Mapping[str, str] | None = None, **fields: Any
) -> Workload:
    """Return a workload that publishes 8080/tcp and 5353/udp, and has 9000/tcp unpublished."""
    given: dict[str, Any] = {"id": "c0ffee", "name": "box", "image": "acme/shop:1", **fields}
    return Workload(
        source=SOURCE,
        scope=SCOPE,
        labels=labels,
        env=env or {},
        ports=REACHABLE.all_ports,
        networks=(Network(name="bridge", ipv4="172.17.0.2"),),
        network_mode="bridge",
        **given,
    )


class ParserContract(Contract):
    """The clauses that a label parser must keep; see the module for what each says.

    `keys` are names of labels that the dialect knows, and `values` texts that mean something in
    it; odd ones are made around them. `examples` is how many workloads get random labels.
    """

    keys: ClassVar[Collection[str]] = ()
    values: ClassVar[Collection[str]] = ()
    examples: ClassVar[int] = 50

    parse = needed("the function that the parser's `create` returns")
    offering = needed("labels that offer one service, at the workload's port 8080", "offers")
    ignoring = needed(
        "labels that, in addition to `offering`, forbid to register the workload", "ignored"
    )
    mistaken = needed("one label that is written wrongly", "mistakes")

    @clause("offers")
    def test_offers(self, parse: Parse, offering: Mapping[str, str]) -> None:
        """Labels offer a service, and the offer says which labels."""
        parsed = parse(make_labelled(offering), REACHABLE)
        assert parsed.problems == ()
        assert parsed.ignored == ""
        found = [offer for offer in parsed.offers if offer.port == 8080]
        assert found, f"no offer has port 8080: {parsed.offers}"
        assert all(offer.because for offer in found), "`because` is empty"

    @clause("others")
    def test_others(self, parse: Parse) -> None:
        """A workload of other people is left to other dialects."""
        labels = {"com.example.team": "shop", "maintainer": "x:80"}
        assert parse(make_labelled(labels, {"PORT": "80"}), REACHABLE) == Parsed()

    @clause("ignored")
    def test_ignored(
        self, parse: Parse, offering: Mapping[str, str], ignoring: Mapping[str, str]
    ) -> None:
        """Nothing is offered, and no other dialect is asked."""
        parsed = parse(make_labelled({**offering, **ignoring}), REACHABLE)
        assert parsed.offers == ()
        assert parsed.ignored, "`ignored` is empty: other dialects will be asked"

    @clause("mistakes")
    def test_mistakes(self, parse: Parse, mistaken: Mapping[str, str]) -> None:
        """The people who wrote the label find it in a problem."""
        problems = parse(make_labelled(mistaken), REACHABLE).problems
        (label,) = mistaken
        assert any(label in problem for problem in problems), problems

    @clause("raises")
    def test_raises(self, parse: Parse, workloads: Collection[Workload]) -> None:
        """A workload with odd labels does not stop the parser."""
        translator = Translator((("the parser", parse),))
        for workload in workloads:
            answer = translator.translate(workload, None, _HOST)
            assert not answer.failed, answer.problems
            for instance in answer.instances:
                assert instance.digest()

    @clause("bounded")
    def test_bounded(self, parse: Parse, answers: Answers) -> None:
        """Labels cannot fill the registry or the log."""
        keys = tuple(self.keys)[:20]
        many = make_labelled({f"{key}{number}": "x" for key in keys for number in range(200)})
        for _, parsed in (*answers, (many, _answer(parse, many))):
            assert len(parsed.problems) <= MOST_PROBLEMS, f"{len(parsed.problems)} problems"
            for text in _for_people(parsed):
                assert len(text) <= LONGEST_PROBLEM, f"{len(text)} characters: {text[:80]!r}"
            for offer in parsed.offers:
                counts = (parsed.offers, offer.tags, offer.meta, offer.checks)
                assert max(map(len, counts)) <= MOST, "too many offers, tags, meta or checks"
            for field, text in _texts([*map(attrs.asdict, parsed.offers)]):
                assert len(text) <= LONGEST_TEXT, f"{field}: {len(text)} characters"

    @clause("lines")
    def test_lines(self, answers: Answers) -> None:
        """Text for people cannot forge a line."""
        for _, parsed in answers:
            assert all(parsed.problems), "a problem is empty"
            for text in _for_people(parsed):
                assert not unfit(text, len(text)), f"control characters: {text!r}"
                assert len(text.splitlines()) <= 1, f"several lines: {text!r}"

    @clause("text")
    def test_text(self, answers: Answers) -> None:
        """Registries can hold what is offered."""
        for _, parsed in answers:
            for field, text in _texts([*map(attrs.asdict, parsed.offers)]):
                reason = unfit(text, len(text), lines=field in ("body", "command"))
                assert not reason, f"{field} {reason}: {text[:80]!r}"

    @clause("ids")
    def test_ids(self, answers: Answers) -> None:
        """No two offers get the same id, unless the labels say so."""
        for workload, parsed in answers:
            if unfit(workload.name, LONGEST_TEXT):
                continue  # no id can be made of this name
            offers = [offer for offer in parsed.offers if not offer.id]
            places = [(offer.port or offer.register_port, offer.protocol) for offer in offers]
            assert len(places) == len(set(places)), f"the same port, and no id: {offers}"

    @clause("ports")
    def test_ports(self, answers: Answers) -> None:
        """Ports that are not published stay private, unless labels ask for them."""
        published = {port.number for port in REACHABLE.ports}
        known = {port.number for port in REACHABLE.all_ports}
        for workload, parsed in answers:
            for offer in parsed.offers:
                allowed = {0} | (published if offer.internal is None else known)
                written = (*workload.labels.items(), *workload.env.items())
                assert offer.port in allowed or str(offer.port) in str(written), offer

    @clause("same")
    def test_same(self, parse: Parse, answers: Answers, offering: Mapping[str, str]) -> None:
        """A runtime may list labels in any order, and workloads too."""
        first = parse(make_labelled(offering), REACHABLE)
        for key in self.keys:
            _answer(parse, make_labelled({**offering, key: "true"}))
        again = parse(make_labelled(offering), REACHABLE)
        assert again == first, "an earlier workload is remembered"
        for workload, parsed in answers:
            labels, env = (dict(reversed([*m.items()])) for m in (workload.labels, workload.env))
            turned = _answer(parse, attrs.evolve(workload, labels=labels, env=env))
            assert turned == parsed, "the order of labels matters"
            assert _for_people(turned) == _for_people(parsed), "the order of labels matters"

    @clause("secrets")
    def test_secrets(self, parse: Parse) -> None:
        """People keep passwords in variables, and programs have variables of their own."""
        for end in ("", " x", "\0", ",", "://", "'", "x" * 5000):
            value = f"{_SECRET}{end}"
            for keys in (self.keys, *((key,) for key in self.keys)):
                parsed = _answer(parse, make_labelled({}, dict.fromkeys(keys, value)))
                shown = [text for text in _for_people(parsed) if _SECRET in text]
                assert shown == [], f"{', '.join(keys)[:200]} set to {value[:20]!r}"

    @pytest.fixture
    def workloads(self, offering: Mapping[str, str]) -> Collection[Workload]:
        """Each key with each odd text, in addition to `offering`; then random labels."""
        assert self.keys, "give `keys`: names of labels that the dialect knows"
        texts = (*self.values, *_ODD, *_LONG)
        found = [make_labelled({**offering, key: text}) for key in self.keys for text in texts]
        return [*found, *_random(tuple(self.keys), texts, self.examples)]

    @pytest.fixture
    def answers(
        self, request: pytest.FixtureRequest, parse: Parse, workloads: Collection[Workload]
    ) -> Answers:
        """Each workload with the parser's answer, which the clauses of one class share."""
        cache: dict[str, Answers] = request.node.parent.stash.setdefault(_ANSWERS, {})
        parameters = request.node.name.partition("[")[2]
        if parameters not in cache:
            cache[parameters] = [(workload, _answer(parse, workload)) for workload in workloads]
        return cache[parameters]


def _random(keys: Sequence[str], texts: Sequence[str], examples: int) -> Iterator[Workload]:
    """Yield workloads with odd labels, variables, names and images, the same in each run."""
    random = Random(0)

    def noise() -> str:
        return "".join(random.choices(_CHARACTERS, k=random.randrange(40)))

    def name() -> str:
        odd = ("", "", noise(), random.choice(_ODD))
        return random.choice((*keys, "")) + random.choice(odd)

    def texts_by_name() -> dict[str, str]:
        return {name(): random.choice((noise(), *texts)) for _ in range(random.randrange(15))}

    for _ in range(examples):
        yield make_labelled(texts_by_name(), texts_by_name(), name=noise(), image=noise())


def _answer(parse: Parse, workload: Workload) -> Parsed:
    """Return the parser's answer. If it raises, which has a clause of its own: nothing."""
    try:
        return parse(workload, REACHABLE)
    except Exception:  # noqa: BLE001 - a parser under test may raise anything
        return Parsed()


def _for_people(parsed: Parsed) -> tuple[str, ...]:
    """Return the texts for people."""
    return (*parsed.problems, parsed.ignored, *(offer.because for offer in parsed.offers))


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield all texts of offers as dictionaries, each with the name of its field."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield field, key
            yield from _texts(item, key if field in ("", "checks") else field)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, field)
