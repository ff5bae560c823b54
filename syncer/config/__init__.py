"""From flags, file, environment and defaults to one `Config`."""
