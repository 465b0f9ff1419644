"""The notifier port. Silence, deduplication, retry and escalation belong to respond and the sender before it."""

from typing import Protocol

from warn.model.alerts import Delivery


class Notifier(Protocol):
    """Tells one place. Safe to repeat: the same delivery twice must not tell people twice where the place can help it."""

    @property
    def name(self) -> str: ...

    @property
    def provider(self) -> str:
        """Who runs it; a page needs two notifiers of different providers."""

    async def notify(self, delivery: Delivery) -> str:
        """Deliver; returns the place's own id of it ("" if none). Raises TemporaryError or PermanentError."""

    async def close(self) -> None: ...
