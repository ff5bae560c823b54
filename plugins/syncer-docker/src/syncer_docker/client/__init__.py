"""Requests to a Docker engine: endpoints, TLS, connections and errors."""
