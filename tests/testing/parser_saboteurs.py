"""Label parsers with one fault each, run by `test_contract_kit.py` together with `saboteurs.py`.

The healthy dialect is `expose=web:8080`, with `expose.tags=a,b` and `expose.enable=false`.
"""

from typing import ClassVar

import attrs
import pytest
from saboteurs import finds

from syncer import Offer, Parsed, Problem
from syncer.kits.labels import Problems, Setting, Settings, values, with_own_ids
from syncer.testing import ParserContract


def port(text):
    """Return a port: the limits are those of `Offer`."""
    return values.limited(Offer, "port", values.whole)(text)


class Dialect:
    """A healthy parser."""

    def __call__(self, workload, reachable):
        problems = Problems()
        settings = self.settings(workload, problems)
        if settings.get("expose.enable", values.truth) is False:
            return self.ignored(problems)
        settings.report_unknown(("expose", "expose.tags", "expose.enable"))
        offers = list(self.offers(settings, reachable))
        return Parsed(self.with_ids(workload, offers), self.texts(problems))

    def settings(self, workload, problems):
        found = {
            name: Setting(name, value, from_env)
            for texts, from_env in ((workload.env, True), (workload.labels, False))
            for name, value in texts.items()
            if name.partition(".")[0] == "expose"
        }
        return Settings("", dict(sorted(found.items())), problems)

    def ignored(self, problems):
        return Parsed(problems=problems.texts(), ignored="label expose.enable")

    def texts(self, problems):
        return problems.texts()

    def with_ids(self, workload, offers):
        return with_own_ids(workload, offers)

    def offers(self, settings, reachable):
        for part in settings.get("expose", values.split_list) or ():
            offer = settings.get("expose", lambda _, part=part: self.offer(part))
            if offer:
                yield attrs.evolve(offer, tags=self.tags(settings))

    def offer(self, part):
        name, _, number = part.partition(":")
        return Offer(service=values.name(name), port=port(number), because=self.because(part))

    def because(self, part):
        return "label expose"

    def tags(self, settings):
        return settings.get("expose.tags", self.tag_list) or ()

    def tag_list(self, text):
        tags = values.split_list(values.text(text))
        if len(tags) > 1000:
            raise ValueError("more than 1000 tags")
        return tags


@finds()
class SabotageNothingOfTheParser(ParserContract):
    """Every clause applies, and every fixture is there."""

    dialect: ClassVar[type[Dialect]] = Dialect
    keys = ("expose", "expose.tags", "expose.enable")
    examples = 10
    values = ("web:8080", "web:8080,api:8080", "web:9000", "web")

    @pytest.fixture
    def parse(self):
        return self.dialect()

    @pytest.fixture
    def offering(self):
        return {"expose": "web:8080"}

    @pytest.fixture
    def ignoring(self):
        return {"expose.enable": "false"}

    @pytest.fixture
    def mistaken(self):
        return {"expose": "web"}


HealthyParser = SabotageNothingOfTheParser


@finds("offers")
class SabotageForgetsBecause(HealthyParser):
    """Nobody learns which label an offer comes from."""

    class dialect(Dialect):
        def because(self, part):
            return ""


@finds("others")
class SabotageOffersEverything(HealthyParser):
    """Workloads without labels are offered too."""

    class dialect(Dialect):
        def offers(self, settings, reachable):
            if not settings.by_key:
                yield Offer(service="all", port=8080, because="it runs")
            yield from super().offers(settings, reachable)


@finds("ignored")
class SabotageForgetsToSayIgnored(HealthyParser):
    """The next dialect offers what was to be ignored."""

    class dialect(Dialect):
        def ignored(self, problems):
            return Parsed(problems=problems.texts())


@finds("mistakes")
class SabotageHidesMistakes(HealthyParser):
    """Nobody learns why a service is missing."""

    class dialect(Dialect):
        def texts(self, problems):
            return ()


@finds("raises")
class SabotageRaises(HealthyParser):
    """A number is taken for granted."""

    class dialect(Dialect):
        def __call__(self, workload, reachable):
            int(workload.labels.get("expose", "web:0").partition(":")[2])
            return super().__call__(workload, reachable)

    @pytest.fixture
    def mistaken(self):
        return {"expose": "web:-1"}


@finds("raises")
class SabotageReturnsSomethingElse(HealthyParser):
    """Problems about tags are no text."""

    class dialect(Dialect):
        def texts(self, problems):
            return [Problem(t) if t.startswith("expose.tags") else t for t in problems.texts()]


@finds("bounded")
class SabotageWithoutLimits(HealthyParser):
    """As many tags as are written."""

    class dialect(Dialect):
        def tag_list(self, text):
            return [values.text(tag) for tag in values.split_list(text)]


@finds("lines")
class SabotageForgesLines(HealthyParser):
    """A problem ends a line."""

    class dialect(Dialect):
        def texts(self, problems):
            return [f"{text}\n" for text in problems.texts()]


@finds("text")
class SabotagePassesAnyText(HealthyParser):
    """Tags are not looked at."""

    class dialect(Dialect):
        def tag_list(self, text):
            return values.split_list(text[:4096])[:1000]


@finds("ids")
class SabotageSharesIds(HealthyParser):
    """Two services of one port have no ids of their own."""

    class dialect(Dialect):
        def with_ids(self, workload, offers):
            return offers


@finds("ports")
class SabotageOffersHiddenPorts(HealthyParser):
    """All ports are offered, published or not."""

    class dialect(Dialect):
        def offers(self, settings, reachable):
            yield from super().offers(settings, reachable)
            if settings.by_key:
                yield Offer(service="hidden", port=9000, because="it is there")


@finds("same")
class SabotageRemembers(HealthyParser):
    """The second workload gets the tags of the first."""

    class dialect(Dialect):
        last = ()

        def tags(self, settings):
            self.last = super().tags(settings) or self.last
            return self.last


@finds("secrets")
class SabotageShowsSecrets(HealthyParser):
    """Values of variables are shown in problems."""

    class dialect(Dialect):
        def settings(self, workload, problems):
            found = super().settings(workload, problems)
            shown = {key: Setting(key, one.value) for key, one in found.by_key.items()}
            return attrs.evolve(found, by_key=shown)
