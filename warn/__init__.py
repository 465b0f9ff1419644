"""warn: a smoke detector for reputation."""

__version__ = "0.1.0"
