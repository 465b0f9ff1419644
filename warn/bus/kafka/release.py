"""Which Kafka the brokers run, and whether their settings suit warn; decides, and does no I/O.

A broker does not tell its release, but the highest level of metadata that it supports, which grows with each release. So
4.3.0 can be told from 4.2, and not from a 4.3 in which the fault is mended.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from warn.bus.kafka.compare import Finding, Level
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.topics import MAX_MESSAGE_BYTES

TESTED: Final = "4.2"
_LEVELS: Final = ((19, "3.7"), (20, "3.8"), (21, "3.9"), (25, "4.0"), (27, "4.1"), (29, "4.2"), (30, "4.3"))
"""The last level of metadata (`metadata.version`) that each release supports."""
_OLDEST: Final = 19
_COPIES: Final = 2

BROKER_SETTINGS: Final = (
    "auto.create.topics.enable",
    "group.max.session.timeout.ms",
    "group.min.session.timeout.ms",
    "log.cleaner.enable",
    "socket.request.max.bytes",
    "transaction.max.timeout.ms",
    "transaction.state.log.min.isr",
    "transaction.state.log.replication.factor",
)
"""What is asked of each broker."""


class BrokerSeen(NamedTuple):
    """One broker. `level`: its highest level of metadata, None where it tells none.

    `settings` is None where we may not read them. `trouble`: why it could not be asked at all.
    """

    node: int
    address: str
    level: int | None = None
    settings: Mapping[str, str] | None = None
    trouble: str = ""

    @property
    def place(self) -> str:
        """How findings name it."""
        return f"broker {self.node} ({self.address})"


def release(level: int | None) -> str:
    """The release that supports up to this level, as "4.2"."""
    if level is None:
        return "of a release that does not tell (before 3.3, or with ZooKeeper)"
    if level < _OLDEST:
        return "3.6 or older"
    for last, name in _LEVELS:
        if level <= last:
            return name
    return f"later than {_LEVELS[-1][1]}"


def judge(brokers: Sequence[BrokerSeen], config: KafkaConfig) -> Sequence[Finding]:
    """What is wrong with a cluster, apart from the topics."""
    found = [*_set_up(brokers, config)]
    for broker in brokers:
        if broker.trouble:
            found.append(Finding(Level.NOTE, broker.place, "could not be asked", broker.trouble))
            continue
        found += [*_release(broker), *_broker(broker, config)]
    return found


def _set_up(brokers: Sequence[BrokerSeen], config: KafkaConfig) -> Iterator[Finding]:
    safe = "or set bus.kafka.allow_unsafe where losing data is acceptable"
    if len(brokers) == 1:
        what = "there is one broker only: when its disk is lost, everything is"
        yield Finding(Level.UNSAFE, "cluster", what, f"take three, {safe}")
    if config.replication < _COPIES:
        what = f"bus.kafka.replication is {config.replication}, and must be at least 2"
        yield Finding(Level.UNSAFE, "settings", what, f"take 3, {safe}")
    if config.min_insync < _COPIES:
        what = f"bus.kafka.min_insync is {config.min_insync}, and must be at least 2"
        yield Finding(Level.UNSAFE, "settings", what, f"take 2, {safe}")


def _release(broker: BrokerSeen) -> Iterator[Finding]:
    name = release(broker.level)
    if name == "4.3":
        what = "runs Kafka 4.3, and 4.3.0 and 4.3.1 lose committed transactions when a broker is killed (KAFKA-20734)"
        do = "run 4.2.1; if it is a later 4.3 in which that is mended, set bus.kafka.allow_unsafe"
        yield Finding(Level.UNSAFE, broker.place, what, do)
    elif name != TESTED:
        what = f"runs Kafka {name}"
        yield Finding(Level.NOTE, broker.place, what, "warn is tested on 4.2.1")


def _broker(broker: BrokerSeen, config: KafkaConfig) -> Iterator[Finding]:
    if broker.settings is None:
        what = "its settings cannot be read"
        do = "allow us DescribeConfigs on the cluster, or look yourself: " + ", ".join(BROKER_SETTINGS)
        yield Finding(Level.NOTE, broker.place, what, do)
        return
    for name, must, level, well in _rules(config):
        value = broker.settings.get(name)
        if value is not None and not well(value):
            do = f"set {name}={must.split()[-1]} in the broker's configuration"
            if name.startswith("transaction.state"):
                do += "; if it has had transactions, give __transaction_state its copies by kafka-reassign-partitions.sh"
            yield Finding(level, broker.place, f"{name} is {value}, and must be {must}", do)


def _rules(config: KafkaConfig) -> Iterator[tuple[str, str, Level, "_Well"]]:
    session, transaction = config.session_timeout_ms, config.transaction_timeout_ms
    yield "auto.create.topics.enable", "false", Level.UNSAFE, _Well(text="false")
    # Without it no compacted topic is ever compacted, and restoring takes longer every day.
    yield "log.cleaner.enable", "true", Level.WRONG, _Well(text="true")
    yield "transaction.state.log.replication.factor", "at least 2", Level.UNSAFE, _Well(least=2)
    yield "transaction.state.log.min.isr", "at least 2", Level.UNSAFE, _Well(least=2)
    yield (
        "transaction.max.timeout.ms",
        f"at least {transaction}",
        Level.WRONG,
        _Well(least=transaction),
    )
    yield "group.min.session.timeout.ms", f"at most {session}", Level.WRONG, _Well(most=session)
    yield "group.max.session.timeout.ms", f"at least {session}", Level.WRONG, _Well(least=session)
    least = 2 * MAX_MESSAGE_BYTES
    yield "socket.request.max.bytes", f"at least {least}", Level.WRONG, _Well(least=least)


class _Well(NamedTuple):
    """What a value has to be."""

    text: str | None = None
    least: int | None = None
    most: int | None = None

    def __call__(self, value: str) -> bool:
        if self.text is not None:
            return value == self.text
        number = int(value) if value.lstrip("-").isdecimal() else 0
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)
