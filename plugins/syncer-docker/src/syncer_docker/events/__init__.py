"""The event stream of a Docker engine: parse it, follow it, resume it."""
