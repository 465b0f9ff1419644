"""The one way out over HTTP and WebSockets, for connectors and notifiers: every address checked before it is dialled, every answer bounded and timed."""

from warn.outbound.answer import Answer
from warn.outbound.client import Outbound
from warn.outbound.stream import Events, Frames

__all__ = ["Answer", "Events", "Frames", "Outbound"]
