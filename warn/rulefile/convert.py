"""Checked parts to a `RuleSet`: the same bytes for the same files in whatever order they were found."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from warn.match.fold import fold
from warn.model import rules as model
from warn.rulefile.check_rule import detector_of
from warn.rulefile.check_topic import nears
from warn.rulefile.lexicon import NEGATIVE, NOT_ON_INTERNAL, Lexicon
from warn.rulefile.parts import Parts
from warn.rulefile.quantity import instant, zone
from warn.rulefile.schema import Channel
from warn.rulefile.schema_rule import Rule
from warn.rulefile.schema_topic import Topic
from warn.rulefile.terms import lexicon_names, terms, unique
from warn.rulefile.word import term

DEFAULT_FLOORS: Final = (model.Floor(mentions=8, authors=5), model.Floor(echo=100))


def convert(files: Iterable[Parts], lexicons: Mapping[str, Lexicon]) -> model.RuleSet:
    """The rule set of files without mistakes, sorted by brand; inside a brand the file's order stands."""
    ordered = sorted(files, key=lambda f: f.head.brand)
    return model.RuleSet(
        topics=tuple(_topic(f.head.brand, n, t, lexicons) for f in ordered for _, n, t in f.topics),
        rules=tuple(rule for f in ordered for rule in _rules(f)),
        accounts=tuple(
            (f.head.brand, model.Account(a.source, a.handle.removeprefix("@")))
            for f in ordered
            for _, a in f.accounts
        ),
        channels=tuple((f.head.brand, _channel(n, c)) for f in ordered for _, n, c in f.channels),
        negative=_negative(lexicons.get(NEGATIVE)),
    )


def _negative(lexicon: Lexicon | None) -> tuple[str, ...]:
    return tuple(sorted({fold(word).strip() for word in lexicon.words})) if lexicon else ()


def _topic(brand: str, name: str, topic: Topic, lexicons: Mapping[str, Lexicon]) -> model.Topic:
    used = {lexicon for written in (topic.any, topic.none) for _, lexicon in lexicon_names(written)}
    return model.Topic(
        name=f"{brand}/{name}",
        brand=brand,
        any=terms(topic.any, lexicons),
        all=terms(list(topic.all or ()), lexicons),
        none=terms(topic.none, lexicons),
        within=f"{brand}/{topic.within}" if topic.within else None,
        near=tuple(model.Near(unique(term(w) for w in n.words), n.distance) for _, n in nears((), topic)),
        public_only=not used.isdisjoint(NOT_ON_INTERNAL),
    )


def _channel(name: str, channel: Channel) -> model.Channel:
    return model.Channel(
        source=name,
        owner=channel.owner or "",
        deputy=channel.deputy or "",
        risk=tuple(channel.risk),
        role=channel.role or "",
        expect_s=channel.expect,
    )


def _rules(file: Parts) -> Iterable[model.Rule]:
    """The budget in equal shares among page rules; a rule that wakes nobody has one of that size alone."""
    pages = sum(rule.severity == "page" for _, rule in file.rules)
    narrow = {name for _, name, topic in file.topics if topic.within}
    for _, rule in file.rules:
        share = file.head.budget / pages if rule.severity == "page" else file.head.budget
        yield _rule(file, rule, share, narrow=rule.topic in narrow)


def _rule(file: Parts, rule: Rule, share: float, *, narrow: bool) -> model.Rule:
    head = file.head
    usual = rule.usual if rule.usual is not None else {} if narrow else head.usual or {}
    where = zone(head.timezone)
    name, params = detector_of(rule)
    return model.Rule(
        id=f"{head.brand}/{rule.alert}",
        alert=rule.alert,
        brand=head.brand,
        topic=f"{head.brand}/{rule.topic}",
        watch=tuple(dict.fromkeys(rule.watch)),
        detector=model.DetectorSpec(name, params),
        at_least=tuple(model.Floor(f.mentions, f.authors, f.echo, f.care) for f in rule.at_least)
        if rule.at_least is not None
        else DEFAULT_FLOORS,
        for_s=rule.for_,
        keep_firing_s=rule.keep_firing_for,
        severity=rule.severity,
        mode=rule.mode or head.mode,
        budget_per_30d=share,
        usual_per_day={str(signal): per_day for signal, per_day in usual.items()},
        timezone=head.timezone,
        language=head.language,
        expect=tuple(
            model.Expect(instant(p.start, where), instant(p.end, where), float(p.lift), p.why)
            for p in rule.expect
        ),
        labels=dict(rule.labels),
        annotations=_annotations(rule, head.owner),
    )


def _annotations(rule: Rule, owner: str | None) -> dict[str, str]:
    """The rule's own, and who answers for the file: the incident page says whom to call."""
    given: dict[str, Any] = rule.annotations.model_dump(exclude_none=True)
    return {**({"owner": owner} if owner else {}), **{str(k): str(v) for k, v in given.items()}}
