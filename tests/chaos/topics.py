"""The Kafka topics of a chaos test, as `warn init` makes them."""

from tests.chaos.crew_child import config_of
from warn.bus.kafka.admin import create


async def made(bootstrap: str, prefix: str, replication: int = 1) -> None:
    """Create all of them, and wait until they are led."""
    seen = await create(config_of(bootstrap, prefix, replication))
    assert not seen.missing and not seen.failed, seen.findings
