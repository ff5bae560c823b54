"""The plan for one sink: its desired entries, the difference to the actual ones, the brakes."""
