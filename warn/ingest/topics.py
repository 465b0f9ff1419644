"""Topics that readings are of: a reading of one that no rule file has counts for nothing, and whoever set that up is told."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from warn.ingest.config import ConnectorConfig
from warn.ingest.status import Status
from warn.model.mention import Reading
from warn.model.rules import RuleSet
from warn.rulefile.nearest import nearest

_SHOWN: Final = 5
_LONGEST: Final = 80
Rules = Callable[[], RuleSet | None]
"""The rule set in force; None while it is not known."""


def unknown(configs: Iterable[ConnectorConfig], ruleset: RuleSet) -> Iterator[tuple[str, str]]:
    """(connector, topic) of webhooks whose settings name a topic that no rule file has."""
    known = {topic.name for topic in ruleset.topics}
    for config in configs:
        # Elsewhere `topic` is something else: a Kafka topic, a forum's.
        topic = getattr(config, "topic", None) if getattr(config, "type", "") == "webhook" else None
        if topic is not None and topic not in known:
            yield config.name, topic


def remedy(topic: str, known: Iterable[str]) -> str:
    """What to do about it."""
    names = sorted(known)
    more = ", ..." if len(names) > _SHOWN else ""
    there = ", ".join(names[:_SHOWN]) + more
    return f"name one that there is (brand/topic): {there}{nearest(topic, names)}"


class Topics:
    """Whether readings that are sent to us are of a topic there is; told as a trouble of their connector."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._ruleset: RuleSet | None = None
        self._known: frozenset[str] = frozenset()

    def look(self, status: Status, readings: Iterable[Reading]) -> None:
        """Say which of these are of no topic, and that those of before are well, where they are."""
        ruleset = self._rules()
        if ruleset is None:
            return
        if ruleset is not self._ruleset:
            self._ruleset, self._known = ruleset, frozenset(topic.name for topic in ruleset.topics)
        for topic in {reading.topic for reading in readings}:
            wrong = "" if topic in self._known else "no rule file has it, so its readings count for nothing: "
            told = wrong and wrong + remedy(topic, self._known)
            status.trouble(f"topic {topic[:_LONGEST]}", told)
