"""registrator's labels, from keys to offers."""
