"""How seats are shared out among the processes of an installation: evenly stage by stage, with as few moves as can be.

Kafka's groups leave the sharing out to one of their members. The assignors that come with aiokafka count partitions
alone: a process that joins may get all of match and nothing of collect, though one costs a core and the other nearly
nothing; and its sticky one is never told the generation, so that the claim of a process that was away counts as much as
that of the one which works. Here each stage is shared out by itself, and a claim carries the number of its round.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

Share = frozenset[tuple[str, int]]
"""Partitions by topic and number."""

_VERSION: Final = 0
_claim = msgspec.msgpack.Decoder(tuple[int, tuple[tuple[str, int], ...]])


class Claim(NamedTuple):
    """What a member wants and has: topics it asks for, what it holds, and since which round."""

    topics: frozenset[str]
    held: Share = frozenset()
    round: int = 0


def share_out(partitions: Mapping[str, int], members: Mapping[str, Claim]) -> dict[str, Share]:
    """Every partition of a topic that anybody asks for to one who asks, evenly per topic.

    Who holds a partition keeps it as long as that leaves the topic even; where two claim one, the later round counts.
    Where a topic cannot be shared evenly, the odd ones stay where they are, else go to who has the fewest in all. The
    same input gives the same shares.
    """
    shares: dict[str, set[tuple[str, int]]] = {name: set() for name in members}
    for topic in sorted(partitions, key=lambda t: (partitions[t], t)):
        asking = sorted(name for name, claim in members.items() if topic in claim.topics)
        if asking:
            for name, numbers in _one(topic, partitions[topic], asking, members, shares).items():
                shares[name] |= {(topic, number) for number in numbers}
    return {name: frozenset(share) for name, share in shares.items()}


def _one(
    topic: str,
    number: int,
    asking: Sequence[str],
    members: Mapping[str, Claim],
    shares: Mapping[str, set[tuple[str, int]]],
) -> dict[str, list[int]]:
    """The shares of one topic; `shares`: what they have of the others."""
    holds: dict[str, list[int]] = {name: [] for name in asking}
    for partition in range(number):
        claims = [(members[name].round, name) for name in asking if (topic, partition) in members[name].held]
        if claims:
            holds[max(claims)[1]].append(partition)
    each, odd = divmod(number, len(asking))
    # Who holds more than an even share gets an odd one first: that saves a move.
    order = sorted(asking, key=lambda name: (len(holds[name]) <= each, len(shares[name]), name))
    quota = {name: each + (place < odd) for place, name in enumerate(order)}
    kept = {name: sorted(holds[name])[: quota[name]] for name in asking}
    free = sorted(set(range(number)) - {p for some in kept.values() for p in some})
    for name in order:
        while len(kept[name]) < quota[name]:
            kept[name].append(free.pop(0))
    return kept


class Sharing:
    """Speaks the protocol of aiokafka's assignors for one process; outlives the consumers that it is given to."""

    name = "warn"

    def __init__(self) -> None:
        self._held: Share = frozenset()
        self._round = 0

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this process says when it joins."""
        claim = msgspec.msgpack.encode((self._round, sorted(self._held)))
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), claim)

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """What the member that Kafka has chosen says to all."""
        claims = {name: _read(member.subscription, member.user_data) for name, member in members.items()}
        topics = sorted({topic for claim in claims.values() for topic in claim.topics})
        counts = Counter({topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics})
        following = msgspec.msgpack.encode((max((c.round for c in claims.values()), default=0) + 1, ()))
        return {
            name: ConsumerProtocolMemberAssignment(_VERSION, _by_topic(share), following)
            for name, share in share_out(counts, claims).items()
        }

    def on_assignment(self, assignment: Any) -> None:
        """What this process has been given: its claim from now on."""
        self._round = _read((), assignment.user_data).round
        self._held = frozenset((topic, partition) for topic, partition in assignment.partitions())


def _by_topic(share: Share) -> list[tuple[str, list[int]]]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(share):
        topics.setdefault(topic, []).append(partition)
    return sorted(topics.items())


def _read(topics: Iterable[str], data: bytes) -> Claim:
    """A claim; of one that this release cannot read, the topics alone."""
    try:
        number, held = _claim.decode(data)
    except msgspec.DecodeError:
        return Claim(frozenset(topics))
    return Claim(frozenset(topics), frozenset(held), number)
