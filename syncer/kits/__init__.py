"""Shared code for plugins of one kind: key-value stores, label parsers, mirrors."""
