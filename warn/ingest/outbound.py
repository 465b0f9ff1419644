"""The way out for connectors, which see `warn.ingest` alone: every address checked before it is dialled, every answer
bounded and timed (`warn.outbound`, which notifiers go through as well).
"""

from warn.outbound import Answer, Events, Frames, Outbound
from warn.outbound.address import places
from warn.outbound.answer import reset_after

__all__ = ["Answer", "Events", "Frames", "Outbound", "places", "reset_after"]
