"""Writes the manual pages of the commands: make-manual.py FOLDER.

`make manual` runs it. Shell completions come from `syncer completion SHELL`.
"""

import sys
from pathlib import Path

from click_man.core import write_man_pages

from syncer import __version__
from syncer.cli.commands import cli

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_man_pages("syncer", cli, version=__version__, target_dir=str(folder))
