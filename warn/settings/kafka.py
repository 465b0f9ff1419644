"""What can be set about Kafka: where it is, who we are to it, and what warn asks of it.

Without `bus.kafka` there is the embedded bus. Names and values are Kafka's own, in any case (`SASL_SSL`, `sasl_ssl`).
"""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from warn.bus.access import Bootstrap, KafkaSecurity, brokers

if TYPE_CHECKING:
    from warn.bus.kafka.config import KafkaConfig


class KafkaSettings(BaseModel):
    """A Kafka cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap: Bootstrap
    """Brokers to begin with: host:port, more of them with commas between."""
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")] = "warn"
    """Begins the name of every Kafka topic, group and transactional id."""
    security: KafkaSecurity = KafkaSecurity()
    replication: Annotated[int, Field(ge=1, le=15)] = 3
    """Copies of each Kafka topic."""
    min_insync: Annotated[int, Field(ge=1, le=15)] = 2
    """Copies that have to be written before a commit counts."""
    allow_unsafe: bool = False
    """Start also where committed records can be lost: one broker, one copy, Kafka 4.3."""

    @model_validator(mode="after")
    def _can_be_written(self) -> Self:
        if self.min_insync > self.replication:
            raise ValueError(
                f"min_insync {self.min_insync} of {self.replication} copies: nothing could be written"
            )
        return self

    def config(self, mentions: int, signals: int, collect: int) -> "KafkaConfig":
        """For the bus."""
        # Here, not above: who does not use Kafka need not wait for its client.
        from warn.bus.kafka.config import KafkaConfig
        from warn.model.flow import COLLECT, MENTIONS, SIGNALS

        return KafkaConfig(
            brokers(self.bootstrap),
            prefix=self.prefix,
            security=self.security.security(),
            replication=self.replication,
            min_insync=self.min_insync,
            allow_unsafe=self.allow_unsafe,
            partitions={MENTIONS: mentions, SIGNALS: signals, COLLECT: collect},
        )
