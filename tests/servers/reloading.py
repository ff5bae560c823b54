"""What tests of reloads share: a syncer whose file they change, and a witness beside it.

| fixture   | for a test                                                                    |
|-----------|-------------------------------------------------------------------------------|
| `told`    | a `Told`: a syncer with a configuration file, to be started                   |
| `witness` | a function: `witness(ask, wanted, every=0.02) -> Witness`, which has begun    |
"""

import itertools
import signal
import threading
import time

import pytest


class Told:
    """A syncer with a configuration file, and what is written into that."""

    def __init__(self, folder, start_syncer):
        self.path = folder / "syncer.toml"
        self._start, self.syncer = start_syncer, None
        self._numbers = itertools.count(1)

    def write(self, text):
        """Write the file, as an editor does: all of it at once."""
        made = self.path.with_suffix(".new")
        made.write_text(text)
        made.chmod(0o600)
        made.replace(self.path)

    def start(self, text, *flags, env=None):
        """Start a syncer by this configuration, which is read again at a signal only."""
        self.write(f'reload = "signal"\n{text}')
        self.syncer = self._start("--config", self.path, *flags, env=env)
        return self.syncer

    def reload(self, text, said="configuration reloaded"):
        """Have it go on by this, and wait until it says so."""
        before = len(self.syncer.said(said))
        self.write(f'reload = "signal"\n{text}')
        self.syncer.signal(signal.SIGHUP)
        self.syncer.wait_said(said, count=before + 1)

    def reload_for(self, seconds, text):
        """Reload again and again, for so many seconds, and never an equal configuration."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            self.reload(self.other(text))

    def other(self, text):
        """The same configuration, and not equal to any that was before."""
        return f"{text}[guard]\nleast = {10 + next(self._numbers)}\n"


@pytest.fixture
def told(tmp_path, start_syncer):
    """A syncer with a file, to be started."""
    return Told(tmp_path, start_syncer)


class Witness(threading.Thread):
    """Asks a registry again and again, and keeps each answer that was not as it must be.

    An error counts as such an answer.
    """

    def __init__(self, ask, wanted, every):
        super().__init__(daemon=True)
        self._ask, self._wanted, self._every = ask, wanted, every
        self._over = threading.Event()
        self.asked, self.strays = 0, []

    def run(self):
        while not self._over.wait(self._every):
            try:
                found = self._ask()
            except Exception as error:
                found = error
            self.asked += 1
            if found != self._wanted:
                self.strays.append(found)

    def end(self):
        """Ask no more."""
        self._over.set()

    def finish(self):
        """Ask no more; returns what was not as it must be."""
        self.end()
        self.join(60)
        assert not self.is_alive()
        assert self.asked
        return self.strays


@pytest.fixture
def witness():
    """Makes a witness that has begun; all are ended with the test."""
    made = []

    def make(ask, wanted, every=0.02):
        made.append(Witness(ask, wanted, every))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.end()


def listed(folder, *names):
    """A file of services with these names; returns its source's table."""
    parts = (
        f'[[services]]\nname = "{name}"\naddress = "192.0.2.{number}"\nport = 80\n'
        for number, name in enumerate(names, 1)
    )
    made = folder / "services.new"
    made.write_text("".join(parts))
    made.replace(folder / "services.toml")
    return f'[sources.file]\npath = "{folder}/services.toml"\nscope = "host1"\n'
