"""The other hosts of a registry: their entries, in syncer's own form, kept alive and changed."""

import itertools
import threading
from collections.abc import Callable, Iterator

from syncer import Deregister, Instance, Mark, Reason, Register, Registration, Sink
from syncer.api.kinds import Context, SinkType
from syncer.config.load import load, read_settings
from syncer.plugin.manager import Plugins

#: Services of one host, and the names that all hosts have between them.
SERVICES, NAMES = 20, 200


def make_sink(uri: str) -> Sink:
    """The sink that `--sink` makes of this."""
    plugins = Plugins.discover({})
    read = read_settings(None, sources=["file=/none"], sinks=[uri], assignments=(), environ={})
    (part,) = load(read, plugins).sinks.values()
    context = Context(name=part.name, owner="syncer")
    return plugins.kind(SinkType, part.kind).create(part.options, context)


class Others:
    """Writes entries of many hosts, each with a scope of its own, and goes on doing so."""

    def __init__(self, sink: Sink, count: int) -> None:
        self._sink, self._stop = sink, threading.Event()
        self._all = [_entry(number, sink) for number in range(count)]
        self._held: dict[str, Registration] = {}
        self._writing = threading.Lock()
        self._threads: list[threading.Thread] = []
        #: Changes made so far, and what went wrong in a thread.
        self.changes, self.errors = 0, list[str]()

    def fill(self) -> None:
        """Write all of them."""
        self._apply([Register(one) for one in self._all])

    def start(self, changes: float) -> None:
        """Keep them alive, and make so many changes a second, from now on."""
        if self._sink.pulse:
            self._begin(self._renew, self._sink.pulse.total_seconds())
        if changes and self._all:
            ring = itertools.cycle(self._all)
            self._begin(lambda: self._toggle(next(ring)), 1 / changes)

    def stop(self) -> None:
        """End that; the entries stay."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._sink.close()

    def _begin(self, do: Callable[[], None], every: float) -> None:
        def work() -> None:
            while not self._stop.wait(every):
                try:
                    do()
                except Exception as error:  # noqa: BLE001 - it goes on, and is told at the end
                    self.errors.append(repr(error))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _renew(self) -> None:
        with self._writing:
            held = list(self._held.values())
        self._sink.renew(held)

    def _toggle(self, one: Registration) -> None:
        """Remove an entry that is there, or write it again."""
        held = self._held.get(one.id)
        self._apply([Deregister(held, Reason.WORKLOAD_GONE) if held else Register(one)])
        self.changes += 1

    def _apply(self, changes: list[Register | Deregister]) -> None:
        for outcome in self._sink.apply(changes):
            if outcome.error:
                raise outcome.error
            with self._writing:
                if outcome.registration:
                    self._held[outcome.change.id] = outcome.registration
                else:
                    self._held.pop(outcome.change.id, None)


def _entry(number: int, sink: Sink) -> Registration:
    host, own = divmod(number, SERVICES)
    scope, service = f"host{host}", f"svc{number % NAMES}"
    instance = Instance(
        id=f"{scope}:{service}:{8000 + own}",
        service=service,
        address=f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}",
        port=8000 + own,
        tags=("blue", "team-shop"),
    )
    adjusted = sink.adjust(instance)
    assert adjusted is not None
    mark = Mark(
        owner="syncer",
        scope=scope,
        source="docker",
        workload=f"{number:064x}",
        digest=adjusted.digest(),
    )
    return Registration(instance=adjusted, mark=mark)


def own_services() -> Iterator[str]:
    """The measured host's services, as lines of a file source."""
    for number in range(SERVICES):
        place = f'address = "10.255.0.1", port = {8000 + number}'
        yield f'{{ name = "svc{number}", {place}, tags = ["blue", "team-shop"] }}'
