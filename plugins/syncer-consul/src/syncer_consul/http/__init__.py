"""Consul's HTTP API: connections, requests, watches."""
