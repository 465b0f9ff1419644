"""What we may do on a cluster, asked without doing it.

Kafka tells what we may do with each topic; for groups and transactional ids it does not, so there it is asked for
something that changes nothing: a heartbeat of a member that is none, and a transactional id of the doctor's own.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.transaction import InitProducerIdRequest

from warn.bus.kafka import wire
from warn.bus.kafka.compare import Finding, Level
from warn.bus.kafka.config import KafkaConfig
from warn.bus.kafka.probe import Address, Node, reach, refused
from warn.bus.kafka.topics import wanted

NEEDED: Final = ("Read", "Write", "Describe", "DescribeConfigs")
"""On every Kafka topic of ours."""
_TOPIC_FORBIDDEN: Final = 29
_GROUP_FORBIDDEN: Final = 30
_CLUSTER_FORBIDDEN: Final = 31
_ID_FORBIDDEN: Final = 53
_COMING: Final = frozenset({14, 15, 16})
"""A coordinator that loads, is not there yet, or has moved."""
_GROUP: Final = 0
_TRANSACTION: Final = 1
_TRIES: Final = 20
_AGAIN_S: Final = 0.25


async def lacking(node: Node, config: KafkaConfig) -> Sequence[Finding]:
    """Each permission that warn needs and we do not have, with the command that grants it.

    Raises `AwayError`, `RefusedError` where a broker cannot be reached.
    """
    found = [*await _topics(node, config)]
    for group in (config.topic("owners"), config.topic("lag")):
        found += await _group(node, config, group)
    found += await _transactional_id(node, config)
    answer = await node.ask(InitProducerIdRequest(None, config.transaction_timeout_ms))
    # Who may write any topic may do this, too: where that is lacking, it is told already.
    if answer.error_code == _CLUSTER_FORBIDDEN and not any("Write" in f.what for f in found):
        what = "we may not write without a transaction"
        do = _grant(config, ["IdempotentWrite"], "--cluster")
        found.append(Finding(Level.WRONG, "cluster", what, do))
    return found


async def _topics(node: Node, config: KafkaConfig) -> Sequence[Finding]:
    metadata = await node.ask(wire.AskMetadata([t.name for t in wanted(config)]))
    return list(topics_lacking(metadata.topics, config))


def topics_lacking(described: Sequence[Any], config: KafkaConfig) -> Iterator[Finding]:
    """What a broker's description of topics says that we may not do; topics that are missing are told elsewhere."""
    without: dict[tuple[str, ...], list[str]] = {}
    seen = 0
    for code, name, _, _, bits in described:
        if code == _TOPIC_FORBIDDEN:
            without.setdefault(NEEDED, []).append(name)
        elif code == 0:
            lack = tuple(o for o in NEEDED if not wire.may(bits, o))
            without.setdefault(lack, []).append(name)
        seen += code in (0, _TOPIC_FORBIDDEN)
    for operations, names in without.items():
        if operations:
            which = "every Kafka topic of warn's" if len(names) == seen > 1 else ", ".join(names)
            what = f"we may not {_or(operations)} {which}"
            resource = f"--topic {config.prefix}. --resource-pattern-type prefixed"
            do = _grant(config, operations, resource)
            yield Finding(Level.WRONG, "permissions", what, do)


async def _group(node: Node, config: KafkaConfig, group: str) -> Sequence[Finding]:
    resource = f"--group {config.prefix}. --resource-pattern-type prefixed"
    what = f"we may not Read group {group}"
    lack = [Finding(Level.WRONG, "permissions", what, _grant(config, ["Read"], resource))]
    coordinator = await _coordinator(node, group, _GROUP)
    if coordinator == _GROUP_FORBIDDEN:
        return lack
    if isinstance(coordinator, int):
        return [_no_coordinator(f"group {group}", coordinator)]
    at = await reach(coordinator, config)
    try:
        answer = await at.ask(HeartbeatRequest(group, 0, "doctor"))
    finally:
        await at.close()
    return lack if answer.error_code == _GROUP_FORBIDDEN else []


async def _transactional_id(node: Node, config: KafkaConfig) -> Sequence[Finding]:
    name = config.topic("doctor")
    resource = f"--transactional-id {config.prefix}. --resource-pattern-type prefixed"
    what = f"we may not Write transactional ids that begin with {config.prefix}."
    lack = [Finding(Level.WRONG, "permissions", what, _grant(config, ["Write", "Describe"], resource))]
    coordinator = await _coordinator(node, name, _TRANSACTION)
    if coordinator == _ID_FORBIDDEN:
        return lack
    if isinstance(coordinator, int):
        return [_no_coordinator(f"transactional id {name}", coordinator)]
    at = await reach(coordinator, config)
    try:
        answer = await at.ask(InitProducerIdRequest(name, config.transaction_timeout_ms))
    finally:
        await at.close()
    return lack if answer.error_code == _ID_FORBIDDEN else []


async def _coordinator(node: Node, key: str, kind: int) -> Address | int:
    """Where it is, or the error. A new cluster makes its internal topics when it is asked for the first time."""
    code = 0
    for _ in range(_TRIES):
        answer = await node.ask(FindCoordinatorRequest(key, kind))
        code = answer.error_code
        if code == 0:
            return Address(answer.host, answer.port)
        if code not in _COMING:
            break
        await asyncio.sleep(_AGAIN_S)
    return int(code)


def _no_coordinator(of: str, code: int) -> Finding:
    what = f"has no coordinator for {of} ({refused(code)})"
    do = "see whether all brokers run, and whether the replicas of Kafka's internal topics are in sync"
    return Finding(Level.WRONG, "cluster", what, do)


def _grant(config: KafkaConfig, operations: Sequence[str], resource: str) -> str:
    user = config.security.username or "..."
    given = " ".join(f"--operation {o}" for o in operations)
    boot = ",".join(config.bootstrap)
    return f"kafka-acls.sh --bootstrap-server {boot} --add --allow-principal User:{user} {given} {resource}"


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


GRANTS: Final[Mapping[str, Sequence[str]]] = {
    "--topic {prefix}. --resource-pattern-type prefixed": ("Read", "Write", "DescribeConfigs"),
    "--group {prefix}. --resource-pattern-type prefixed": ("Read",),
    "--transactional-id {prefix}. --resource-pattern-type prefixed": ("Write",),
}
"""All that the daemon needs; Kafka implies Describe by Read and Write. docs/kafka.md shows it, a test works with it."""
TO_MAKE: Final[Mapping[str, Sequence[str]]] = {
    "--topic {prefix}. --resource-pattern-type prefixed": ("Create",),
    "--cluster": ("DescribeConfigs",),
}
"""And what `warn init` and `warn doctor` need besides: to make topics, and to read the brokers' settings."""
