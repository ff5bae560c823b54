"""Consul's HTTP API: the client, its transport, a watch on indexes."""
