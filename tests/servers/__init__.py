"""Real servers for the tests: a Docker engine, Consul agents, and a synthetic Docker API.

`fixtures` is what tests use; the other modules start, stop and question the servers and
use none of syncer's code, so that they can witness against it.
"""
