"""Runs cycles: reads, plans, applies and reports, each sink in its own threads."""
