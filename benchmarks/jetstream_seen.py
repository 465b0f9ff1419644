"""What lies on the bus after the benchmark of Jetstream, held against what was sent."""

from collections import Counter

from benchmarks.jetstream_made import Kind, plan
from warn.bus.embedded import EmbeddedBus
from warn.model.flow import MENTIONS, SIGNALS
from warn.model.records import Parcel, Signals
from warn.model.wire import decode_mentions, decode_signals


class Seen:
    """What lies on the bus."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.mentions: Counter[str] = Counter()
        self.echo: Counter[str] = Counter()

    async def read(self, bus: EmbeddedBus) -> None:
        for topic in (MENTIONS, SIGNALS):
            reader = await bus.follow(topic)
            while records := await reader.read(1_000, 0.0):
                for _, _, _, value in records:
                    self._take(topic, value)

    def _take(self, topic: str, value: bytes) -> None:
        if topic == MENTIONS:
            parcel = decode_mentions(value)
            if isinstance(parcel, Parcel):
                self.ids.update(one.id for one in parcel.mentions if one.kind != "edit")
            return
        signals = decode_signals(value)
        if isinstance(signals, Signals):
            for one in signals.partials:
                topic = one.topic.rpartition("/")[2]
                self.mentions[topic] += one.mentions
                self.echo[topic] += one.echo

    def held_against(self, total: int, keep: str) -> dict[str, int]:
        """What is missing and what came twice, of `total` events; all of it has to be 0."""
        mentions, echo, ids = expected(total, keep)
        return {
            "mentions": sum(mentions.values()),
            "echoes": sum(echo.values()),
            "mentions_lost": (mentions - self.mentions).total(),
            "mentions_too_many": (self.mentions - mentions).total(),
            "echoes_lost": (echo - self.echo).total(),
            "echoes_too_many": (self.echo - echo).total(),
            "carried": self.ids.total(),
            "carried_lost": (ids - self.ids).total(),
            "carried_twice_or_wrongly": (self.ids - ids).total(),
        }


def expected(total: int, keep: str) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Mentions and echoes by topic, and ids on the bus, of the first `total` events."""
    mentions: Counter[str] = Counter()
    echo: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    for i in range(total):
        one = plan(i)
        if one.kind is not Kind.EDIT and (one.topic is not None or keep == "all"):
            ids[one.uri] += 1
        if one.kind is Kind.MENTION:
            mentions[f"t{one.topic}"] += 1
        elif one.kind is Kind.ECHO:
            echo[f"t{one.topic}"] += 1
    return mentions, echo, ids
