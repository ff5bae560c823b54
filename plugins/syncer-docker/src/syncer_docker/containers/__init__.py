"""Containers as inspected or listed, and what is remembered of them."""
