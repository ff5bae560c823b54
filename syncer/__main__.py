"""`python -m syncer` is the command `syncer`."""

from syncer.cli.commands import main

if __name__ == "__main__":
    main()
