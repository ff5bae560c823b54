"""What registrator takes from Go: flags, functions, templates."""
