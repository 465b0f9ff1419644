"""Connectors, and the door between them and the bus."""
