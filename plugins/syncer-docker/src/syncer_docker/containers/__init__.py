"""What an inspected or listed container says, and what is remembered of it."""
