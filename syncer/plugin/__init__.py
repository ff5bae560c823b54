"""Hooks; finding, checking and looking up plugins; assembling an engine from them."""
