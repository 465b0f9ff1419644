"""What becomes of slices when a new rule set comes into force.

A topic that matches differently starts anew; a rule whose thresholds changed keeps what it learned; an alert whose rule
is gone resolves.
"""

from collections.abc import Mapping, Sequence

from warn.detect.base import Detector
from warn.lifecycle.alert import INACTIVE
from warn.model.rules import Rule, RuleSet, Topic
from warn.stages.slice import Change, Slice
from warn.stages.slicestate import Build


def switch(
    old: Mapping[str, Slice], rules: RuleSet, mine: Sequence[str], clock: int, build: Build
) -> tuple[dict[str, Slice], list[tuple[Slice, Change]]]:
    """The slices under the new rule set, and the alerts that end with the old one. `mine`: topics of this partition."""
    topics = {t.name: t for t in rules.topics}
    by_topic: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        by_topic.setdefault(rule.topic, []).append(rule)
    slices: dict[str, Slice] = {}
    ended: list[tuple[Slice, Change]] = []
    for name in mine:
        before = old.get(name)
        if before is not None and before.meaning == meaning(topics, name):
            slices[name] = before
            ended += _rerule(before, topics[name], by_topic[name], clock, build)
        else:
            one = Slice(topics[name], by_topic[name], clock, _detectors(by_topic[name], clock, build))
            one.meaning = meaning(topics, name)
            slices[name] = one
            if before is not None:
                ended += _end(before, [], clock)
    for name, before in old.items():
        if name not in slices:
            ended += _end(before, [], clock)
    return slices, ended


def meaning(topics: Mapping[str, Topic], name: str) -> tuple[Topic, ...]:
    """What a topic matches: itself and all that it lies within."""
    chain: list[Topic] = []
    at: str | None = name
    while at is not None and at in topics and topics[at] not in chain:
        chain.append(topics[at])
        at = topics[at].within
    return tuple(chain)


def _detectors(rules: Sequence[Rule], start: int, build: Build) -> dict[tuple[str, str], Detector]:
    return {(r.id, signal): build(r, signal, start) for r in rules for signal in r.watch}


def _rerule(
    one: Slice, topic: Topic, rules: Sequence[Rule], clock: int, build: Build
) -> list[tuple[Slice, Change]]:
    """Give a slice its rules anew, keeping what their detectors learned where the new ones can read it."""
    ended = _end(one, [r.id for r in rules], clock)
    detectors = {}
    for rule in rules:
        before = one.by_id.get(rule.id)
        for signal in rule.watch:
            known = one.detectors.get((rule.id, signal))
            if before == rule and known is not None:
                detectors[rule.id, signal] = known
                continue
            fresh = build(rule, signal, one.start if known is not None else clock)
            if known is not None and before is not None and before.detector.name == rule.detector.name:
                try:
                    fresh.from_state(known.to_state())
                except ValueError:  # a state of another shape: this rule starts anew
                    fresh = build(rule, signal, clock)
            detectors[rule.id, signal] = fresh
    one.rerule(topic, rules, detectors)
    return ended


def _end(one: Slice, kept: Sequence[str], clock: int) -> list[tuple[Slice, Change]]:
    """Resolve the firing alerts of rules that are gone."""
    ended = []
    for rule in one.rules:
        alert = one.alerts.get(rule.id, INACTIVE)
        if rule.id not in kept and alert.state == "firing":
            ended.append((one, Change(clock, rule, "resolved", one.last.get(rule.id))))
    return ended
