"""The process that runs until it is stopped: reload, signals, systemd."""
