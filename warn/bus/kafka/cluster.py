"""What all parts of the Kafka bus share: the cluster's clients, how many partitions there are, where each one ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka.structs import TopicPartition

from warn.bus.kafka.clients import Clients
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.lag import LagTools
from warn.bus.kafka.offsets import Offsets
from warn.bus.kafka.topics import state_topic
from warn.bus.watch import BusWatch
from warn.model.flow import COLLECT, STAGE_INPUT


@dataclass(eq=False)
class Cluster:
    """One installation on one cluster, as one process sees it. `counts`: partitions by our name of a topic."""

    config: KafkaConfig
    clients: Clients
    offsets: Offsets
    counts: Mapping[str, int]
    watch: BusWatch
    places: dict[tuple[str, int], TopicPartition] = field(init=False)
    """Every partition by our name of its topic and its number."""
    told: dict[TopicPartition, int] = field(default_factory=dict)
    """Up to where breaks of the chain were told, by partition of input: a seat that is opened anew meets them again."""
    lag: LagTools = field(init=False)

    def __post_init__(self) -> None:
        self.lag = LagTools(self.clients, self.watch)
        self.places = {
            (topic, partition): TopicPartition(self.config.topic(topic), partition)
            for topic, count in self.counts.items()
            for partition in range(count)
        }

    def place(self, topic: str, partition: int) -> TopicPartition:
        """One partition of a topic. Raises `LookupError`."""
        try:
            return self.places[topic, partition]
        except KeyError:
            raise LookupError(f"there is no partition {partition} of [{topic}]") from None

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises `LookupError`."""
        try:
            return self.counts[topic]
        except KeyError:
            raise LookupError(f"there is no Kafka topic [{topic}]") from None

    def seats(self, stage: str) -> int:
        """How many seats a stage has. Raises `LookupError`."""
        if stage != COLLECT and stage not in STAGE_INPUT:
            raise LookupError(f"there is no stage {stage}")
        return self.counts[state_topic(stage)]

    def state_of(self, stage: str, partition: int) -> TopicPartition:
        """Where a seat saves its state. Raises `LookupError`."""
        if not 0 <= partition < self.seats(stage):
            raise LookupError(f"{stage} has no seat {partition}")
        return self.places[state_topic(stage), partition]

    def input_of(self, stage: str, partition: int) -> TopicPartition | None:
        """What a seat reads; None for collect."""
        topic = STAGE_INPUT.get(stage)
        return None if topic is None else self.place(topic, partition)
