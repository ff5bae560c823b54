"""The nodes: paths, reading, registrations, writing."""
