"""The bus on Kafka. aiokafka is imported here and nowhere else in warn."""

from warn.bus.kafka.bus import KafkaBus
from warn.bus.kafka.config import KafkaConfig, Security
from warn.bus.kafka.membership import Membership

__all__ = ["KafkaBus", "KafkaConfig", "Membership", "Security"]
