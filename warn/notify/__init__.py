"""Telling people: the notifier port, the one retry loop, one file per channel."""
