"""Makes the Kafka topics that warn needs, and looks whether those that are there are right.

Errors of Kafka's admin requests stand in their answers and are never raised by aiokafka; here every one of them becomes
a finding. Nothing that exists is ever altered or deleted.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest

from warn.bus.kafka import wire
from warn.bus.kafka.compare import Finding, Level, There, compare
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.probe import Address, Node, ReachErrors, reach, refused
from warn.bus.kafka.release import BROKER_SETTINGS, BrokerSeen, judge
from warn.bus.kafka.topics import KafkaTopic, wanted
from warn.bus.kafka.trouble import AwayError, RefusedError
from warn.model.errors import PermanentError, Reason

CREATE_S: Final = 20.0
"""How long the brokers may take to make the topics, and again to have a leader for each partition."""
_TOPIC: Final = 2
_BROKER: Final = 4
_UNKNOWN_TOPIC: Final = 3
_FORBIDDEN: Final = 29
_THERE_ALREADY: Final = 36
_TOO_FEW_BROKERS: Final = 38
_LOOK_S: Final = 0.2
_START_PATIENCE_S: Final = 1.5
"""A start does not wait long for a broker that hangs: the others have what it has."""
_MOST_TOLD: Final = 5


@dataclass(frozen=True)
class Inspection:
    """What was seen of a cluster. `config` is as asked, with no more replicas than there are brokers where that is
    allowed; `topics` holds every topic that is needed, None where it is missing."""

    config: KafkaConfig
    brokers: Sequence[BrokerSeen]
    topics: Mapping[str, There | None]
    findings: Sequence[Finding]
    created: Sequence[str] = ()
    failed: Sequence[str] = ()

    @property
    def missing(self) -> Sequence[str]:
        """Topics that are not there."""
        return [name for name, there in self.topics.items() if there is None]

    @property
    def refusals(self) -> Sequence[Finding]:
        """What keeps warn from starting."""
        return [f for f in self.findings if f.refuses(self.config)]


async def check(config: KafkaConfig) -> Inspection:
    """For the start of a daemon: the topics are right, the release is safe. Some tens of milliseconds.

    Raises `PermanentError` (reason `config`) that names what differs and `warn init`; `AwayError` where no broker can
    be reached, `RefusedError` where none will have us.
    """
    found = await inspect(config, _START_PATIENCE_S)
    # A broker that starts with us may not lead its partitions yet: workers wait for that.
    refusals = [f for f in found.refusals if not f.passes]
    if refusals:
        told = [str(f) for f in refusals[:_MOST_TOLD]]
        more = len(refusals) - len(told)
        told += [f"... and {more} more: `warn init --check` lists them all"] if more else []
        message = "\n".join(["Kafka is not set up as warn needs it; see `warn init`", *told])
        raise PermanentError(message, reason=Reason.CONFIG)
    return found


async def inspect(config: KafkaConfig, patience_s: float | None = None) -> Inspection:
    """Look at brokers and topics; change nothing. `patience_s`: how long a broker besides the first may take.

    Raises `AwayError`, `RefusedError`.
    """
    node = await bootstrap(config)
    try:
        return await _inspect(node, config, patience_s)
    finally:
        await node.close()


async def create(config: KafkaConfig) -> Inspection:
    """Make the topics that are missing, unless the cluster is one that warn would not start on; then look again.

    May be called again and again, and by several at once. Raises `AwayError`, `RefusedError`.
    """
    node = await bootstrap(config)
    try:
        seen = await _inspect(node, config)
        amiss = judge(seen.brokers, config)
        if not seen.missing or any(f.refuses(config) for f in amiss):
            return seen
        topics = [t for t in wanted(seen.config) if t.name in seen.missing]
        made, failed = await _make(node, topics)
        await _led(node, [t.name for t in topics if t.name not in failed])
        after = await _inspect(node, config)
        found = [failed.get(f.place, f) if f.what == "is missing" else f for f in after.findings]
        return replace(after, findings=found, created=made, failed=list(failed))
    finally:
        await node.close()


async def bootstrap(config: KafkaConfig) -> Node:
    """A connection to the first broker that can be reached. Raises what kept us from the others: of several things
    that which a person has to mend."""
    kept: list[AwayError | RefusedError] = []
    for text in config.bootstrap:
        try:
            address = Address.parse(text)
        except ValueError as e:
            raise PermanentError(f"bus.kafka.bootstrap: {e}", reason=Reason.CONFIG) from None
        try:
            return await reach(address, config)
        except ReachErrors as e:
            kept.append(e)
    if not kept:
        raise PermanentError("bus.kafka.bootstrap names no broker", reason=Reason.CONFIG)
    raise next((e for e in kept if isinstance(e, RefusedError)), kept[0])


async def _inspect(node: Node, config: KafkaConfig, patience_s: float | None = None) -> Inspection:
    names = [t.name for t in wanted(config)]
    metadata = await node.ask(wire.AskMetadata(names))
    brokers = await _ask_brokers(node, metadata, config, patience_s)
    fitting = _fitting(config, len(brokers))
    topics = await _topics(node, metadata, fitting)
    found = list(judge(brokers, config))
    for topic in wanted(fitting):
        found += compare(topic, topics[topic.name], fitting)
    return Inspection(fitting, brokers, topics, found)


def _fitting(config: KafkaConfig, brokers: int) -> KafkaConfig:
    """Where losing data is acceptable, one broker will do for three replicas."""
    if not config.allow_unsafe:
        return config
    replication = min(config.replication, brokers)
    return replace(config, replication=replication, min_insync=min(config.min_insync, replication))


async def _ask_brokers(
    first: Node, metadata: Any, config: KafkaConfig, patience_s: float | None
) -> Sequence[BrokerSeen]:
    """All at once, each at the address that the cluster gives out for it: that is what clients will use."""

    async def ask(number: int, address: Address) -> BrokerSeen:
        try:
            async with asyncio.timeout(patience_s):
                return await _ask_broker(first, number, address, config)
        except TimeoutError:
            silent = f"{address} did not answer within {patience_s:g} s"
            return BrokerSeen(number, str(address), trouble=silent)

    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(ask(number, Address(host, port)))
            for number, host, port, *_ in sorted(metadata.brokers)
        ]
    return [one.result() for one in asked]


async def _ask_broker(first: Node, number: int, address: Address, config: KafkaConfig) -> BrokerSeen:
    seen = BrokerSeen(number, str(address))
    try:
        node = first if address == first.address else await reach(address, config)
    except ReachErrors as e:
        return seen._replace(trouble=f"{e.trouble.where} {e.trouble.what}: {advertised(e)}")
    try:
        answer = await node.ask(
            DescribeConfigsRequest([(_BROKER, str(number), list(BROKER_SETTINGS))], include_synonyms=False)
        )
        settings = _settings(answer).get(str(number))
    except ReachErrors as e:
        return seen._replace(trouble=str(e.trouble))
    finally:
        if node is not first:
            await node.close()
    return seen._replace(level=node.features.supported.get("metadata.version"), settings=settings)


def advertised(error: AwayError | RefusedError) -> str:
    """What to do where a broker cannot be reached at the address that the cluster itself gives out."""
    return f"{error.trouble.do}; if that is no address for this machine, mend advertised.listeners of that broker"


async def _topics(node: Node, metadata: Any, config: KafkaConfig) -> Mapping[str, There | None]:
    there: dict[str, There | None] = {t.name: None for t in wanted(config)}
    for code, name, *_ in metadata.topics:
        if code == _FORBIDDEN:
            there[name] = There(0, 0, None, forbidden=True)
    present = {topic[1]: topic for topic in metadata.topics if topic[0] not in (_UNKNOWN_TOPIC, _FORBIDDEN)}
    if not present:
        return there
    answer = await node.ask(
        DescribeConfigsRequest([(_TOPIC, name, None) for name in present], include_synonyms=False)
    )
    settings = _settings(answer)
    for name, (_, _, _, partitions, _) in present.items():
        there[name] = _there(partitions, settings.get(name), config)
    return there


def _there(partitions: Sequence[Any], settings: Mapping[str, str] | None, config: KafkaConfig) -> There:
    needed = int((settings or {}).get("min.insync.replicas", config.min_insync))
    return There(
        partitions=len(partitions),
        replication=min((len(p[4]) for p in partitions), default=0),
        settings=settings,
        leaderless=sorted(p[1] for p in partitions if p[2] < 0),
        short=sorted(p[1] for p in partitions if p[2] >= 0 and len(p[5]) < needed),
    )


def _settings(answer: Any) -> Mapping[str, Mapping[str, str]]:
    """By the name of what they are of; without those that we may not read."""
    return {
        name: {entry[0]: entry[1] or "" for entry in entries}
        for code, _, _, name, entries in answer.resources
        if code == 0
    }


async def _make(node: Node, topics: Sequence[KafkaTopic]) -> tuple[Sequence[str], Mapping[str, Finding]]:
    """Ask for topics; those that were made, and what was refused, by name. Another may have made some meanwhile."""
    asked: list[tuple[Any, ...]] = [
        (t.name, t.partitions, t.replication, [], list(t.settings.items())) for t in topics
    ]
    request = CreateTopicsRequest(
        create_topic_requests=asked, timeout=int(CREATE_S * 1000), validate_only=False
    )
    answer = await node.ask(request, CREATE_S + 2)
    failed = {
        name: Finding(Level.WRONG, name, f"could not be made ({refused(code)})", _remedy(code, message))
        for name, code, message, *_ in answer.topic_errors
        if code not in (0, _THERE_ALREADY)
    }
    return [name for name, code, *_ in answer.topic_errors if code == 0], failed


def _remedy(code: int, message: str | None) -> str:
    if code == _FORBIDDEN:
        return "allow us Create on it (docs/kafka.md, Security), and run `warn init` again"
    if code == _TOO_FEW_BROKERS:
        return "start the brokers that are down, and run `warn init` again"
    return message or "see the broker's log, and run `warn init` again"


async def _led(node: Node, names: Sequence[str]) -> None:
    """Until every partition of these topics has a leader, or the time is up; who looks again sees which."""
    deadline = asyncio.get_running_loop().time() + CREATE_S
    while names and asyncio.get_running_loop().time() < deadline:
        answer = await node.ask(wire.AskMetadata(list(names)))
        if all(topic[0] == 0 and all(p[2] >= 0 for p in topic[3]) for topic in answer.topics):
            return
        await asyncio.sleep(_LOOK_S)
