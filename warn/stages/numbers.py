"""From a slice to the numbers of a page: every one is recomputed from what the slice holds at that tick.

Nothing here remembers or decides anything.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import reduce

from msgspec.structs import replace

from warn.aggregate.partial import SAMPLES, merge
from warn.aggregate.people import distinct
from warn.aggregate.series import TICK_S, Series
from warn.detect.base import Sample, Verdict
from warn.lifecycle.conditions import floor_of_kind, lift_of
from warn.model.alerts import AlertEvent, Numbers
from warn.model.hashing import PUBLIC_KEY
from warn.model.records import Partial
from warn.model.records import Sample as Drawn
from warn.model.sealed import opened
from warn.stages.slice import HOUR_S, MENTION_SIGNALS, Change, Judged, Slice

STEP_S = 300
NO_VERDICT = Verdict(0.0, 0.0, 0, 0, 0.0)
HALVES = (30, 60, 120, 300, 600)
ENOUGH = 8
FEW = 3
"""Out of fewer no growth and no pace can be told."""
TERM_PEOPLE = 5
"""Words are shown when five people used them."""


def alert_event(
    one: Slice,
    change: Change,
    at: int,
    deaf: tuple[str, ...],
    *,
    press_heard: bool,
    key: bytes = PUBLIC_KEY,
) -> AlertEvent:
    """What detect says of a change: `change.at` is when it happened, `at` the tick whose numbers are given. `key`: what
    words are sealed with.
    """
    rule = change.rule
    began = one.began.get(rule.id, at)
    hour = [p for p in one.hour(at) if p.second >= began // 60 * 60]
    total = reduce(merge, [replace(p, second=0) for p in hour]) if hour else Partial(one.topic.name, 0, 0)
    kind = (
        "update" if change.happened == "update" else "firing" if change.happened == "firing" else "resolved"
    )
    numbers = _numbers(one, change.judged, at, hour, total, deaf, began=began, press_heard=press_heard)
    return AlertEvent(
        kind=kind,  # type: ignore[arg-type]
        at=change.at,
        brand=rule.brand,
        rule=rule.id,
        alert=rule.alert,
        topic=one.topic.name,
        severity=rule.severity,
        mode=rule.mode,
        episode=one.alerts[rule.id].episode,
        numbers=numbers,
        about=about(total.samples, key),
        samples=tuple(dict.fromkeys(s.key for s in _telling(total.samples)))[:10],
        labels=rule.labels,
        annotations=rule.annotations,
        language=rule.language,
        timezone=rule.timezone,
        press_seen_at=total.press_seen_ms // 1000,
    )


def _numbers(
    one: Slice,
    judged: Judged | None,
    at: int,
    hour: Sequence[Partial],
    total: Partial,
    deaf: tuple[str, ...],
    *,
    began: int,
    press_heard: bool,
) -> Numbers:
    people = distinct(p.authors for p in hour)
    verdict = judged.verdict if judged else NO_VERDICT
    signal = judged.signal if judged else "mentions"
    series = one.series[signal]
    grows, doubling = growth(series, at)
    stories, copies = _stories(total)
    span = -(-(at - max(began, at - HOUR_S)) // TICK_S) * TICK_S
    return Numbers(
        people=people,
        mentions=one.series["mentions"].window(at, span),
        echo=one.series["echo"].window(at, span),
        echo_people=distinct(p.echo_authors for p in hour),
        care=one.series["care"].window(at, span) if one.care_shown(at) else 0,
        reach=one.series["reach"].window(at, span),
        negative=one.series["negativity"].window(at, span),
        since=began,
        signal=signal,
        window_s=verdict.window_s,
        seen=verdict.seen,
        expected=round(verdict.expected, 3),
        times=round(verdict.seen / verdict.expected, 1) if verdict.expected > 0 else 0.0,
        score=round(verdict.score, 3),
        threshold=round(verdict.threshold, 3),
        doubling_s=doubling,
        growing=grows,
        platforms=_platforms(total),
        first_platform=_first_platform(hour),
        press=total.press,
        press_heard=press_heard,
        press_at=total.press_ms // 1000 if total.press_ms else None,
        stories=stories,
        story_copies=copies,
        largest_followers=total.carriers[0][0] if total.carriers else 0,
        would_not_page_under=smallest(one, judged, at, people) if judged and judged.exceptional else None,
        learning=verdict.learning,
        deaf=deaf,
    )


def _stories(total: Partial) -> tuple[int, int]:
    """How many stories there are (0: too many to tell), and the copies of the one most repeated.

    The samples are a uniform draw of what was said: below the limit they are all of it, above it copies are scaled up.
    """
    stories = Counter(s.story for s in total.samples if s.story)
    copies, drawn = max(stories.values(), default=0), len(total.samples)
    if drawn < SAMPLES:
        return len(stories), copies
    return 0, round(copies / drawn * total.mentions)


def _platforms(total: Partial) -> tuple[tuple[str, int], ...]:
    counts = ((source, mentions + echo) for source, mentions, echo in total.by_source)
    return tuple(sorted(counts, key=lambda c: (-c[1], c[0])))


def _first_platform(hour: Sequence[Partial]) -> str:
    first = next((p for p in hour if p.by_source), None)
    return _platforms(first)[0][0] if first else ""


def about(samples: Sequence[Drawn], key: bytes = PUBLIC_KEY) -> tuple[str, ...]:
    """Up to three words that at least five people used, the most used first; those alone are opened."""
    users: dict[str, set[int]] = {}
    for sample in samples:
        for term in sample.terms:
            if sample.author:
                users.setdefault(term, set()).add(sample.author)
    shown = sorted((-len(who), opened(key, term)) for term, who in users.items() if len(who) >= TERM_PEOPLE)
    return tuple(word for _, word in shown if word)[:3]


def _telling(samples: Sequence[Drawn]) -> list[Drawn]:
    """Samples worth showing: of the stories most repeated first, one after another, the earliest of each first."""
    copies = Counter(s.story for s in samples)
    return sorted(samples, key=lambda s: (-copies[s.story], s.story, s.second, s.key))


def began_at(one: Slice, judged: Judged | None, at: int) -> int:
    """Since when what a rule fires about at tick `at` goes on."""
    if judged is None or not judged.verdict.window_s:
        return at
    verdict = judged.verdict
    return since(one.series[judged.signal], at, verdict.expected / verdict.window_s)


def since(series: Series, at: int, usual_per_s: float) -> int:
    """When it began: back from `at` in steps of five minutes while they hold more than twice the usual.

    Two lean steps in a row end it. The second of the first bin that holds something in the earliest rich step.
    """
    limit = 2 * usual_per_s * STEP_S
    start, lean, end = at, 0, at
    while lean < 2 and end > at - 6 * HOUR_S:
        rich = series.window(end, STEP_S) > limit
        end -= STEP_S
        start, lean = (end, 0) if rich else (start, lean + 1)
    first = next((index for index, n in series.counts(start // TICK_S) if n > 0), None)
    return min(first * TICK_S, at) if first is not None else at


def growth(series: Series, at: int) -> tuple[bool, int | None]:
    """Does it clearly grow now, and in how many seconds does it double: from the shortest two halves that can tell.

    Clearly: the second half is above the first by more than its own Poisson error. Doubling: ln 2 x half /
    ln(second / first); None where the first half holds too little to say.
    """
    for half in HALVES:
        late, early = series.window(at, half), series.window(at - half, half)
        if late + early < ENOUGH:
            continue
        if late <= early + math.sqrt(late + early + 1):
            return False, None
        return True, max(1, round(half * math.log(2) / math.log(late / early))) if early >= FEW else None
    return False, None


def smallest(one: Slice, judged: Judged, at: int, people: int) -> int | None:
    """The size under which it would not have paged, found by bisection over the same shape scaled down.

    In people for signals of mentions (as a share of the `people` since it began), else in the signal's own count. None for models whose answer to scaled counts
    means nothing.
    """
    rule = judged.rule
    detector = one.detectors[rule.id, judged.signal]
    if detector.learns_zeros:
        return None
    by_people = judged.signal in MENTION_SIGNALS
    size = one.authors(at) if by_people else one.series[judged.signal].window(at, HOUR_S)

    def pages(n: int) -> bool:
        if not _floors_scaled(one, judged, at, n, size):
            return False
        for signal in rule.watch:
            model, series = one.detectors[rule.id, signal], one.series[signal]
            counts = tuple(c * n // size for c in series.windows(at, model.windows))
            sample = Sample(at, series.window(at, 60) * n // size, counts, lift_of(rule, at))
            if (signal in MENTION_SIGNALS) == by_people and model.judge(sample).exceptional:
                return True
        return False

    low, high = 0, size
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if pages(middle) else (middle, high)
    if not size:
        return None
    return -(-high * people // size) if by_people else high


def _floors_scaled(one: Slice, judged: Judged, at: int, n: int, size: int) -> bool:
    people = one.authors(at)
    mentions, echo = one.series["mentions"].window(at, HOUR_S), one.series["echo"].window(at, HOUR_S)
    care = one.series["care"].window(at, HOUR_S)
    return any(
        mentions * n // size >= f.mentions
        and people * n // size >= f.authors
        and echo * n // size >= f.echo
        and care * n // size >= f.care
        for f in judged.rule.at_least
        if floor_of_kind(f, judged.signal)
    )
