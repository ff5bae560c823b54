"""One cycle of one sink: read, plan, brake, write, report."""
