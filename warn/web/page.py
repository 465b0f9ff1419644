"""One incident as its page shows it: everything the template needs, already in words, nothing left to decide there."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from warn.match.fold import fold
from warn.match.story import story_of
from warn.match.terms import words_of
from warn.model.alerts import IncidentEvent, Numbers
from warn.model.records import Evidence
from warn.web.chart import Chart, draw
from warn.web.contact import Call, contact
from warn.web.facts import Fact, Gaps, about, bigness, facts, how_big, name_of, no_gaps
from warn.web.hostile import clean, safe_link
from warn.web.store import Entry, Store, is_over
from warn.web.timeline import Moment, Told, timeline, told
from warn.web.words import Words

_LEAST_BEFORE_S: Final = 20 * 60
_MOST_BEFORE_S: Final = 2 * 3600
_AFTER_S: Final = 15 * 60
_LONGEST_CHART_S: Final = 48 * 3600
_SAMPLES: Final = 30
_STORIES: Final = 3
_CARRIERS: Final = 6
_LARGE: Final = 1_000
_LARGE_ENOUGH_MENTIONS: Final = 400


class Badge(NamedTuple):
    """How the incident stands: `tone` colours it, the words say it."""

    text: str
    tone: str


class Line(NamedTuple):
    """One incident in the list."""

    id: str
    words: Words
    brand: str
    about: str
    size: str
    since: str
    day: str
    badges: tuple[Badge, ...]


class Share(NamedTuple):
    """How much is said on one platform, and its share of the greatest (0 to 100)."""

    name: str
    mentions: str
    percent: int


class Sample(NamedTuple):
    """A post to read: hostile text, made safe; `link` only if it leads to a web page."""

    text: str
    source: str
    clock: str
    size: str
    link: str | None
    echo: bool
    profile: bool = False
    """How an account calls itself, which is no post."""


class Story(NamedTuple):
    """A text said by several: its words, and how often."""

    text: str
    copies: str


class Page(NamedTuple):
    """Everything on an incident's page."""

    id: str
    words: Words
    title: str
    brand: str
    about: str
    badges: tuple[Badge, ...]
    shadow: bool
    over: bool
    as_of: str
    peak: str
    facts: Sequence[Fact]
    owner: Call | None
    note: str
    playbook: str
    playbook_link: str | None
    began_on: str
    chart: Chart | None
    moments: Sequence[Moment]
    told: Sequence[Told]
    platforms: Sequence[Share]
    stories: Sequence[Story]
    carriers: Sequence[tuple[str, str]]
    samples: Sequence[Sample]
    message: str
    silent: bool = False
    """It is about warn itself: a source that it does not hear."""


def line(entry: Entry) -> Line:
    """An incident as the list shows it."""
    event = entry.event
    words = Words(event.language, event.timezone)
    since = event.numbers.since or event.at
    return Line(
        event.incident, words, clean(event.brand, 80), about(event, words), how_big(event, words),
        words.clock(since), words.day(since), _badges(event, words),
    )  # fmt: skip


def page(store: Store, incident: str, press_sources: Sequence[str], gaps: Gaps = no_gaps) -> Page | None:
    """The page of an incident, or None where it is unknown. `gaps`: what could not be heard between two seconds."""
    events = store.events(incident)
    if not events:
        return None
    newest = events[-1]
    over = is_over(newest)
    words = Words(newest.language, newest.timezone)
    highest = newest if newest.silent else max(events, key=lambda e: (bigness(e.numbers), -e.sequence))
    shown = highest if over else newest
    deliveries = store.deliveries(incident)
    evidence = _evidence(store, events)
    notes = newest.annotations
    return Page(
        id=incident,
        words=words,
        title=f"{clean(newest.brand, 80)}: {about(shown, words)}",
        brand=clean(newest.brand, 80),
        about=about(shown, words),
        badges=_badges(newest, words),
        shadow=newest.mode != "live",
        over=over,
        as_of=_as_of(shown, words),
        peak=""
        if shown is highest
        else words("peak", people=how_big(highest, words), clock=words.clock(highest.at)),
        facts=facts(shown, words, press_sources, gaps(_began(events[0]), newest.at), over=over),
        owner=contact(notes.get("owner", "")),
        note=clean(notes.get("summary", "") or notes.get("description", ""), 400),
        playbook=clean(notes.get("playbook", ""), 200),
        playbook_link=safe_link(notes.get("playbook", "")),
        began_on=next((name_of(e.numbers.first_platform) for e in events if e.numbers.first_platform), ""),
        chart=_chart(store, events, words),
        moments=timeline(events, deliveries, words),
        told=told(deliveries, words),
        platforms=_platforms(shown.numbers, words),
        stories=_stories(evidence, words),
        carriers=_carriers(evidence, words),
        samples=[_sample(e, words) for e in _worth_reading(evidence)[:_SAMPLES]],
        message=clean(events[0].message, 4_000),
        silent=bool(newest.silent),
    )


def _began(opened: IncidentEvent) -> int:
    return min(opened.numbers.since or opened.at, opened.at)


def _as_of(shown: IncidentEvent, words: Words) -> str:
    zone = words.zone_name.replace("_", " ")
    return words("as_of", clock=words.clock(shown.at), day=words.day(shown.at), zone=zone)


def _badges(event: IncidentEvent, words: Words) -> tuple[Badge, ...]:
    if is_over(event):
        state = Badge(words("state.over"), "over")
    elif event.state == "acknowledged":
        state = Badge(words("state.acknowledged"), "calm")
    else:
        state = Badge(words("state.open"), "alarm")
    severity = f"severity.{event.severity}"
    badges = [
        state,
        Badge(words(severity) if event.severity in ("page", "ticket", "digest") else event.severity, ""),
    ]
    if event.mode != "live":
        badges.append(Badge(words("diary"), "diary"))
    return tuple(badges)


def _chart(store: Store, events: Sequence[IncidentEvent], words: Words) -> Chart | None:
    """From before it began until it was quiet again; an incident stays open for hours after that."""
    opened = events[0]
    began = min(opened.numbers.since or opened.at, opened.at)
    latest = max(e.at for e in events if e.event != "resolved" or len(events) == 1)
    points = store.history(opened.rule, began - _MOST_BEFORE_S, events[-1].at + _AFTER_S)
    loud = max((p.minute for p in points if p.count and p.minute >= began), default=latest)
    end = max(latest, loud)
    # A crisis of ten minutes would be a stroke at the edge of a chart of hours.
    before = min(max(2 * (end - began), _LEAST_BEFORE_S), _MOST_BEFORE_S)
    start = max(began - before, end - _LONGEST_CHART_S)
    marks = [(e.at, words("chart.page")) for e in events if e.event in ("opened", "wave")]
    press_at = events[-1].press_at or next((e.numbers.press_at for e in events if e.numbers.press_at), 0)
    if press_at:
        marks.append((press_at, words("chart.press")))
    return draw(points, opened.numbers.signal, start, end, marks, words)


def _evidence(store: Store, events: Sequence[IncidentEvent]) -> list[Evidence]:
    """Drawn samples first, in a fair order; then what else is kept of that brand and time, the most followed first."""
    newest = events[-1]
    keys = list(dict.fromkeys(key for e in reversed(events) for key in e.samples))
    found = store.evidence(newest.brand, keys[:200])
    start = min(events[0].numbers.since or events[0].at, events[0].at)
    more = store.evidence_between(newest.brand, start - 60, newest.at + _AFTER_S, _LARGE_ENOUGH_MENTIONS)
    return list({e.key: e for e in [*found, *more]}.values())


def _worth_reading(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Posts that name the brand before those that answer one, each as time went; reposts and likes have no words to read."""
    return sorted((e for e in evidence if clean(e.text)), key=lambda e: (e.echo, e.created_ms, e.key))


def _sample(e: Evidence, words: Words) -> Sample:
    followers = (
        words("carriers.account", followers=_rounded(e.followers, words)) if e.followers >= _LARGE else ""
    )
    return Sample(
        clean(e.text),
        name_of(e.source),
        words.clock(e.created_ms // 1000),
        followers,
        safe_link(e.url),
        e.echo,
        e.kind == "profile",
    )


def _platforms(numbers: Numbers, words: Words) -> list[Share]:
    counts = sorted(numbers.platforms, key=lambda p: -p[1])[:8]
    top = max((count for _, count in counts), default=0) or 1
    return [Share(name_of(name), words.number(count), round(100 * count / top)) for name, count in counts]


def _stories(evidence: Sequence[Evidence], words: Words) -> list[Story]:
    """Texts that tell the same story more than once, by match's own key; each as it was first told."""
    copies: Counter[int] = Counter()
    first: dict[int, str] = {}
    for e in evidence:
        if e.kind == "profile":
            continue  # nobody has told anything by it
        key = story_of(words_of(fold(e.text)), b"")
        if key:
            copies[key] += 1
            first.setdefault(key, e.text)
    return [
        Story(clean(first[key], 280), words("stories.copies", count=count))
        for key, count in copies.most_common(_STORIES)
        if count > 1
    ]


def _carriers(evidence: Sequence[Evidence], words: Words) -> list[tuple[str, str]]:
    """The largest accounts by role and size, never by name."""
    largest: dict[int, Evidence] = {}
    for e in evidence:
        if (
            e.author
            and e.followers >= _LARGE
            and e.followers > getattr(largest.get(e.author), "followers", 0)
        ):
            largest[e.author] = e
    top = sorted(largest.values(), key=lambda e: -e.followers)[:_CARRIERS]
    return [
        (
            words(f"carriers.role.{e.role if e.role in ('press', 'own') else ''}", source=name_of(e.source)),
            words("carriers.account", followers=_rounded(e.followers, words)),
        )
        for e in top
    ]


def _rounded(followers: int, words: Words) -> str:
    """Two significant figures: enough to judge by, too few to find an account by."""
    digits = len(str(followers))
    return words.number(round(followers, 2 - digits))
