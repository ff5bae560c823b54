"""Brakes of a reload: what runs goes on, whatever the new configuration is, and without a gap."""

from mutants import brakes_of

process = brakes_of("cli/daemon/process.py", "tests/cli/daemon/test_process.py")
settings = brakes_of("config/settings.py", "tests/config/test_config.py")
build = brakes_of("config/build.py", "tests/config/test_config.py")
ending = brakes_of("engine/shutdown.py", "tests/engine/test_engine.py")

_NO_RELOAD = "it reloads nothing"

MUTANTS = (
    process(
        "a page that cannot be opened is no reason to refuse",
        "                self._pages.serve(new)\n",
        "",
        blind=_NO_RELOAD,
    ),
    process(
        "the former goes on telling",
        "        old.gate.close()\n",
        "",
        blind=_NO_RELOAD,
    ),
    process(
        "asked to stop, it begins all the same",
        "if started := not self._stopping():",
        "if started := True:",
        blind=_NO_RELOAD,
    ),
    ending(
        "what another engine takes over is removed",
        "        if ended and not taken:\n",
        "        if ended:\n",
        blind=_NO_RELOAD,
    ),
    ending(
        "what is still written is removed",
        "        if ended and not taken:\n",
        "        if not taken:\n",
        blind=_NO_RELOAD,
    ),
    process(
        "what a refused configuration names is not looked at",
        "        self._files.follow((*self._watched, *settings.secret_files))\n",
        "",
        blind=_NO_RELOAD,
    ),
    process(
        "a key that comes later is not waited for",
        "*settings.secret_files, *config.key_files))",
        "*settings.secret_files))",
        blind=_NO_RELOAD,
    ),
    process(
        "files are looked at after they were read",
        "        self._files = FileWatch(self._watched)\n        self._now",
        "        self._files = FileWatch([])\n        self._now",
        blind=_NO_RELOAD,
    ),
    ending(
        "what hangs goes on beside the other",
        "            reconciler.break_off()\n",
        "            pass\n",
        blind=_NO_RELOAD,
    ),
    settings(
        "a new secret makes another registry of it, which nobody renews at first",
        " if not isinstance(value, Secret)]",
        "]",
        blind=_NO_RELOAD,
    ),
    build(
        "a key with other content changes nothing",
        "options=options, key_files=keys, watched=watched)",
        "options=options, watched=watched)",
        blind=_NO_RELOAD,
    ),
)
