"""Heartbeats that tell of a loss."""

import threading

import attrs
import pytest

from servers.waiting import wait_until
from syncer import TemporaryError
from syncer.testing import make_instance, make_registration
from syncer_eureka.api import Place
from syncer_eureka.form.decode import Token
from syncer_eureka.renewer import Renewer

COUNT = 20


def held(number):
    """A registration that a server has shown."""
    made = make_registration(make_instance(id=f"h:{number}:80"))
    return attrs.evolve(made, version=str(Token(Place("WEB", str(number)), 1)))


class Api:
    """Answers heartbeats: those of the first so many instances are known."""

    def __init__(self, known=0, answers=COUNT):
        self.known, self.answers, self.asked = known, answers, 0

    def heartbeat(self, place, status, dirty):
        self.asked += 1
        if self.asked > self.answers:
            raise TemporaryError("down")
        return int(place.instance_id) < self.known


@pytest.mark.parametrize(
    ("api", "lost"),
    [
        pytest.param(Api(), COUNT, id="all"),
        pytest.param(Api(known=COUNT), 0, id="none"),
        pytest.param(Api(answers=3), 3, id="the server goes away again"),
    ],
)
def test_a_loss_is_told_before_the_rest_is_renewed(api, lost):
    """Each of them, and which is the first: whoever hears of that looks at everything."""
    heard = []

    def noticed(one, first):
        heard.append((one.id, api.asked, first))

    renewer = Renewer(api, 30.0, 1, lambda one: False, noticed)
    found = renewer.renew([held(number) for number in range(COUNT)])
    assert heard == [(one.id, n + 1, n == 0) for n, one in enumerate(found)]
    assert len(found) == lost


def test_a_loss_wakes(sink, clean_eureka):
    """The sink's watch tells of it, and ends when it is told to."""
    found = sink.register(make_registration(sink.adjust(make_instance())))
    stop, wakes = threading.Event(), []
    watch = threading.Thread(
        target=sink.watch, args=(lambda: wakes.append(found.id in sink._lost), stop), daemon=True
    )
    watch.start()
    sink._renewer._schedule.again(found.id, 0.0)
    assert not sink.renew([found])
    clean_eureka.api.cancel("web", found.id)
    sink._renewer._schedule.again(found.id, 0.0)
    assert sink.renew([found])
    wait_until(lambda: wakes, 30, "a wake")
    stop.set()
    watch.join(30)
    assert not watch.is_alive()
    assert wakes == [True]
