"""What one sink should hold, how it differs from what it holds, and what holds changes back."""
