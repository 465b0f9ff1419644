"""Checks of one rule: its topic, its detector's parameters, floors that can be met, times, files."""

from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from warn.rulefile.document import Document, Loc
from warn.rulefile.nearest import listed, nearest
from warn.rulefile.quantity import instant
from warn.rulefile.schema_rule import Rule


def check_rule(
    document: Document,
    loc: Loc,
    rule: Rule,
    topics: Collection[str],
    zone: ZoneInfo,
    *,
    care: bool,
    folder: Path | None,
) -> None:
    """Note what is wrong with one rule. `care`: whether the file has a channel that is counted as care."""
    if rule.topic not in topics:
        known = f"; topics are {listed(topics)}" if topics else "; there are no topics in this file"
        document.add(
            document.at((*loc, "topic")),
            f"there is no topic `{rule.topic}` in this file{nearest(rule.topic, topics)}{known}",
        )
    _watch(document, loc, rule, care=care)
    _detector(document, loc, rule)
    _floors(document, loc, rule, care=care)
    _expect(document, loc, rule, zone)
    _playbook(document, loc, rule, folder)


def _watch(document: Document, loc: Loc, rule: Rule, *, care: bool) -> None:
    for i, signal in enumerate(rule.watch):
        if signal in rule.watch[:i]:
            document.add(document.at((*loc, "watch", i)), f"`{signal}` is watched twice", warning=True)
        if signal == "care" and not care:
            document.add(
                document.at((*loc, "watch", i)),
                "no channel of this file has `role: care` or `role: internal`, so there is no care to watch",
                warning=True,
            )


def _detector(document: Document, loc: Loc, rule: Rule) -> None:
    # Here, not above: the registry may load what a file without such a detector never needs.
    from warn.detect.registry import check_params

    name, params = detector_of(rule)
    at = (*loc, "detector") if isinstance(rule.detector, str) else (*loc, "detector", name)
    for wrong in check_params(name, params):
        key = next((k for k in params if f"`{k}`" in wrong or wrong.startswith(k)), None)
        place = (
            document.at((*at, key), key=True)
            if key
            else document.at(at, key=not isinstance(rule.detector, str))
        )
        document.add(place, f"detector {name}: {wrong}")


def detector_of(rule: Rule) -> tuple[str, dict[str, object]]:
    """The detector of a rule: its name and its parameters."""
    if isinstance(rule.detector, str):
        return rule.detector, {}
    return next(iter(rule.detector.items()))


def _floors(document: Document, loc: Loc, rule: Rule, *, care: bool) -> None:
    floors = rule.at_least or []
    if not care and floors and all(f.care for f in floors):
        document.add(
            document.at((*loc, "at_least")),
            "impossible floors: each of them needs care, and no channel of this file has `role: care` or "
            "`role: internal`",
        )
    if set(rule.watch) == {"care"} and not any(f.care for f in floors):
        document.add(
            document.at((*loc, "watch")),
            "care is counted apart from mentions, so a rule that watches care alone needs a floor of care: "
            "at_least: [{care: 20}]",
        )


def _expect(document: Document, loc: Loc, rule: Rule, zone: ZoneInfo) -> None:
    for i, peak in enumerate(rule.expect):
        read: dict[str, int] = {}
        for key, text in (("from", peak.start), ("to", peak.end)):
            try:
                read[key] = instant(text, zone)
            except ValueError as e:
                document.add(document.at((*loc, "expect", i, key)), str(e))
        if len(read) == 2 and read["from"] >= read["to"]:
            document.add(
                document.at((*loc, "expect", i, "to")),
                "this peak ends before it begins: `to` must be after `from`",
            )
    for (i, one), (j, two) in pairwise(enumerate(rule.expect)):
        if (one.start, one.end) == (two.start, two.end):
            document.add(
                document.at((*loc, "expect", j)),
                f"this is the same time as item {i + 1} of `expect`",
                warning=True,
            )


def _playbook(document: Document, loc: Loc, rule: Rule, folder: Path | None) -> None:
    given = rule.annotations.playbook
    at = (*loc, "annotations", "playbook")
    if given is None or given.startswith("https://"):
        return
    parts = Path(given).parts
    if "://" in given or Path(given).is_absolute() or ".." in parts:
        document.add(
            document.at(at),
            "a playbook is an address that begins with https://, or a file below this one's folder",
        )
    elif folder is not None and not (folder / given).is_file():
        document.add(
            document.at(at), f"there is no file `{given}` beside this one; a page would lead nowhere"
        )
