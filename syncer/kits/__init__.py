"""Shared code for plugins of one kind: HTTP, key-value stores, label parsers, URIs, mirrors."""
