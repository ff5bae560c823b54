"""A model of hosts, sources and a registry, for random histories of all that can go wrong."""
