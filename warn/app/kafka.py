"""From settings to a Kafka cluster: its configuration, and whether it is set up as warn needs it."""

from typing import TYPE_CHECKING

from warn.model.errors import PermanentError, Reason
from warn.settings import Settings

if TYPE_CHECKING:
    from warn.bus.kafka.admin import Inspection
    from warn.bus.kafka.config import KafkaConfig

NO_KAFKA = (
    "no Kafka is set up, and the embedded bus needs no `warn init`. To use Kafka, set bus.kafka.bootstrap in the "
    "settings, or WARN_BUS__KAFKA__BOOTSTRAP, to host:port"
)


def kafka_config(settings: Settings) -> "KafkaConfig":
    """How to reach the cluster. Raises `PermanentError` (reason `config`) where the settings name none."""
    bus = settings.bus
    if bus.kafka is None:
        raise PermanentError(NO_KAFKA, reason=Reason.CONFIG)
    return bus.kafka.config(bus.mentions, bus.signals, bus.collect)


async def look_over(config: "KafkaConfig", *, make: bool) -> "Inspection":
    """What there is of the Kafka topics that warn needs; `make` those that are missing, where warn would start then."""
    from warn.bus.kafka.admin import create, inspect

    return await (create if make else inspect)(config)
