"""Docker's event stream: parse, follow, and tell what matters."""
