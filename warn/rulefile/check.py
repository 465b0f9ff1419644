"""What one key alone cannot tell: names that must exist, lists that must make sense together."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from warn.rulefile.check_rule import check_rule
from warn.rulefile.check_topic import check_topic
from warn.rulefile.lexicon import Lexicon
from warn.rulefile.parts import Parts
from warn.rulefile.private import why_refused
from warn.rulefile.quantity import zone
from warn.stages.silence import BRAND

TAKEN = (
    f"the brand `{BRAND}` is warn's own: under it you are told that warn cannot hear; write yours in another way, "
    f"such as `{BRAND.capitalize()}`"
)


def check(parts: Parts, lexicons: Mapping[str, Lexicon], folder: Path | None) -> None:
    """Note what is wrong between the parts of one file; files that it names are looked for in `folder`."""
    where = _zone(parts)
    if parts.head.brand == BRAND:
        parts.document.add(parts.document.at(("brand",)), TAKEN)
    _register(parts)
    topics = parts.names("topics")
    for loc, name, topic in parts.topics:
        check_topic(parts, loc, name, topic, lexicons)
    _circles(parts)
    _twice(parts, ((loc, name) for loc, name in parts.groups), "name", "group")
    _twice(parts, ((loc, rule.alert) for loc, rule in parts.rules), "alert", "alert")
    care = any(c.role in ("care", "internal") for _, _, c in parts.channels)
    for loc, rule in parts.rules:
        check_rule(parts.document, loc, rule, topics, where, care=care, folder=folder)
    _without_purpose(parts, topics)


def _zone(parts: Parts) -> ZoneInfo:
    try:
        return zone(parts.head.timezone)
    except ValueError as e:
        parts.document.add(parts.document.at(("timezone",)), str(e))
        return ZoneInfo("UTC")


def _register(parts: Parts) -> None:
    document = parts.document
    for loc, name, _ in parts.channels:
        if reason := why_refused(name):
            document.add(document.at(loc, key=True), reason)
    seen: set[tuple[str, str]] = set()
    for loc, account in parts.accounts:
        if reason := why_refused(account.source):
            document.add(document.at((*loc, "source")), reason)
        one = (account.source, account.handle.removeprefix("@").casefold())
        if one in seen:
            document.add(
                document.at((*loc, "handle")), f"the account `{account.handle}` is listed twice", warning=True
            )
        seen.add(one)


def _circles(parts: Parts) -> None:
    """A topic that lies, by way of others, within itself can never match."""
    within = {name: topic.within for _, name, topic in parts.topics}
    told: set[str] = set()
    for loc, name, _ in parts.topics:
        path = [name]
        while (above := within.get(path[-1])) is not None and above not in path:
            path.append(above)
        if above == name and name not in told:
            told.update(path)
            circle = " within ".join([*path, name])
            parts.document.add(parts.document.at((*loc, "within")), f"topics go in a circle: {circle}")


def _twice(parts: Parts, names: Iterable[tuple[tuple[str | int, ...], str]], key: str, what: str) -> None:
    lines: dict[str, int] = {}
    for loc, name in names:
        place = parts.document.at((*loc, key))
        first = lines.setdefault(name.casefold(), place[0])
        if first != place[0]:
            parts.document.add(place, f"the {what} `{name}` is here twice; it is already in line {first}")


def _without_purpose(parts: Parts, topics: Collection[str]) -> None:
    used = {rule.topic for _, rule in parts.rules} | {t.within for _, _, t in parts.topics if t.within}
    document = parts.document
    if document.failed:
        return
    if not parts.rules:
        document.add(
            (1, 1), "there are no rules in this file, so it will never tell anybody anything", warning=True
        )
        return
    for name in topics:
        if name not in used:
            document.add(
                document.at(("topics", name), key=True), f"no rule watches the topic `{name}`", warning=True
            )
