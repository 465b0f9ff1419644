"""The one way out of collect: every address checked before it is dialled, every answer bounded and timed."""

from warn.ingest.outbound.answer import Answer
from warn.ingest.outbound.client import Outbound
from warn.ingest.outbound.stream import Events, Frames

__all__ = ["Answer", "Events", "Frames", "Outbound"]
