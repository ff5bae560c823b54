"""The source `swarm`: the tasks and services of a Docker swarm."""
