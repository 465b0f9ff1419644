"""Detectors judge series."""
