"""How a chaos test says what happened."""

from collections.abc import Callable

Say = Callable[[str], None]
"""Onto the terminal, captured or not."""
