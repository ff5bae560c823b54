"""The parts of Go that registrator exposes: flags, functions, templates."""
