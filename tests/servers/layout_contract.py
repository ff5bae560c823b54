"""The contract of sinks over keys and values: what the tests of every such plugin do alike."""

import json

import pytest

from syncer import Mark, Registration, Status, Unhealthy
from syncer.kits.keyvalue.entries import values
from syncer.testing import SinkContract, make_instance


class LayoutContract(SinkContract):
    """Every clause, for one layout.

    A plugin's own says how a sink in the layout is opened (`opened(**options)`), and how somebody
    writes a key by hand (`put(key, value)`).
    """

    layout = ""
    examples = 25

    @pytest.fixture
    def opened(self):
        raise NotImplementedError

    @pytest.fixture
    def put(self):
        raise NotImplementedError

    @pytest.fixture
    def reopen(self, sink, opened):
        return opened

    @pytest.fixture
    def unmarked(self, sink, put):
        def write(instance):
            value = sink._layout.value(Registration(instance=instance))
            put(sink._layout.key(instance), value)

        return write

    @pytest.fixture
    def spoil(self, sink, put):
        def write():
            broken = sink._layout.key(make_instance("broken"))
            put(broken, "{nonsense")
            return sink._layout.id_in(broken)

        return write

    @pytest.fixture
    def forge(self, sink, put):
        """Writes what syncer would, with other values in the place of the mark's."""

        def write(instance, fields):
            layout = sink._layout
            tokens = {name: f"forged-{name}-of-the-tests" for name in fields}
            registration = Registration(instance=instance, mark=Mark(**tokens))
            for key, text in values(layout, registration).items():
                for name, token in tokens.items():
                    value = json.dumps(fields[name])
                    text = text.replace(f'"{token}"', value)
                    text = text.replace(f'\\"{token}\\"', json.dumps(value)[1:-1])
                put(key, text)

        return write

    def test_status_is_kept_or_dropped(self, sink, opened):
        """What is not up is kept where the layout tells, dropped elsewhere, or as configured."""
        ill = make_instance("ill", status=Status.UNHEALTHY)
        assert (sink.adjust(ill) is None) == (not sink._layout.tells_status)
        assert opened(unhealthy=Unhealthy.KEEP).adjust(ill) is not None
        assert opened(unhealthy=Unhealthy.DROP).adjust(ill) is None
