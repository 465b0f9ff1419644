"""One topic with its rules: what detect keeps, learns and judges together. A slice shares nothing with another.

It is visited at a tick when it has an arrival or something due, and at no other: what a visit does depends on the
partials known by then and on the visits before, never on how often the clock was written in between.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from warn.aggregate.partial import merge
from warn.aggregate.people import KEPT, People, distinct
from warn.aggregate.series import TICK_S, Series
from warn.detect.base import Detector, Sample, Verdict
from warn.lifecycle.alert import INACTIVE, Alert, Happened, judged, timed
from warn.lifecycle.conditions import floor_of_kind, lift_of
from warn.model.records import Partial
from warn.model.rules import Floor, Rule, Topic

FINAL_S = 600
"""A minute is final this long after it ended: nothing later counts."""
MARK_S = 600
"""A series that is not at rest is looked at on these marks even when nothing arrives."""
BEAT_S = 9 * 3600
"""A brand's time goes on this long after its last alert: an incident lingers 8 h."""
HOUR_S = 3600
CARE_PEOPLE = 5
"""Care and internal sources show nothing under so many different people."""

COUNTED = ("mentions", "echo", "reach", "negativity", "care")
FRESH = ("authors", "platforms")
MENTION_SIGNALS = frozenset({"mentions", "authors", "reach", "negativity", "platforms"})


class Judged(NamedTuple):
    """One rule's judgement at one tick."""

    rule: Rule
    signal: str
    verdict: Verdict
    exceptional: bool


class Change(NamedTuple):
    """What happened to one rule's alert, at its own time."""

    at: int
    rule: Rule
    happened: Happened
    judged: Judged | None


class Slice:
    """One topic's series, detectors and alerts."""

    def __init__(
        self, topic: Topic, rules: Sequence[Rule], start: int, detectors: dict[tuple[str, str], Detector]
    ):
        self.topic = topic
        self.rules = tuple(sorted(rules, key=lambda r: r.id))
        self.by_id = {r.id: r for r in self.rules}
        self.start = start
        self.meaning: tuple[Topic, ...] = (topic,)
        self.detectors = detectors
        self.series: dict[str, Series] = {name: Series() for name in (*COUNTED, *FRESH)}
        self.people = People()
        self.platforms = People()
        self.minutes: dict[int, Partial] = {}
        self.unlearned: set[int] = set()
        self.learned_to: dict[tuple[str, str], int] = {}
        self.alerts: dict[str, Alert] = {}
        self.last: dict[str, Judged] = {}
        self.pending: list[Partial] = []
        self.last_tick = start
        self.judged_minute = 0
        self.beat_until = 0
        self.articles: list[Partial] = []  # of the visit under way: partials with articles
        self.began: dict[str, int] = {}  # rule -> since when what it fires about goes on
        self.span = max([HOUR_S, *(w for d in detectors.values() for w in d.windows)])

    def rerule(self, topic: Topic, rules: Sequence[Rule], detectors: dict[tuple[str, str], Detector]) -> None:
        """Go on under other rules; the series stay."""
        self.topic = topic
        self.rules = tuple(sorted(rules, key=lambda r: r.id))
        self.by_id = {r.id: r for r in self.rules}
        self.detectors = detectors
        self.alerts = {rule: a for rule, a in self.alerts.items() if rule in self.by_id}
        self.began = {rule: at for rule, at in self.began.items() if rule in self.by_id}
        self.last = {
            rule: j._replace(rule=self.by_id[rule]) for rule, j in self.last.items() if rule in self.by_id
        }
        self.learned_to = {key: at for key, at in self.learned_to.items() if key in detectors}
        self.span = max([HOUR_S, *(w for d in detectors.values() for w in d.windows)])

    # ---- time

    def due(self) -> int | None:
        """The next tick at which this slice wants a visit; None while it is at rest and nothing is pending."""
        last, wants = self.last_tick, []
        if self.pending:
            wants.append(min(due_tick(p.known_at) for p in self.pending))
        if any(a.state != "inactive" for a in self.alerts.values()) or self.beat_until > last:
            wants.append((last // 60 + 1) * 60)
        wants += [-(-a.due // TICK_S) * TICK_S for a in self.alerts.values() if a.due is not None]
        # What is dated ahead of the clock (2 min at most) is seen by no window until its second has come.
        ahead = [b for s in COUNTED if (b := self.series[s].first_from(last // TICK_S)) is not None]
        if ahead:
            wants.append((min(ahead) + 1) * TICK_S)
        if self.unlearned or not self.at_rest(last):
            wants.append((last // MARK_S + 1) * MARK_S)
        return min(wants) if wants else None

    def at_rest(self, at: int) -> bool:
        """Nothing in the longest window before `at` (or after it)."""
        start = (at - self.span) // TICK_S
        # Fresh counts may leave empty bins behind, by the order in which people came: they do not count here.
        return all((latest := self.series[s].latest()) is None or latest < start for s in COUNTED)

    # ---- arrivals

    def take(self, at: int) -> bool:
        """Count the pending partials that are known before tick `at`; whether there were any."""
        ready = [p for p in self.pending if p.known_at < at]
        if not ready:
            return False
        self.pending = [p for p in self.pending if p.known_at >= at]
        for partial in ready:
            self._count(partial)
        self.articles = [p for p in ready if p.press]
        return True

    def _count(self, partial: Partial) -> None:
        index, minute = partial.second // TICK_S, partial.second // 60
        amounts = (
            partial.mentions,
            partial.echo,
            partial.reach_milli // 1000,
            partial.negative_milli // 1000,
            partial.care,
        )
        for name, amount in zip(COUNTED, amounts, strict=True):
            if amount:
                self.series[name].add(index, amount)
        for of, change in self.people.add(minute, partial.authors):
            self._moved("authors", of, change)
        sources = (source_number(source) for source, mentions, _ in partial.by_source if mentions)
        for of, change in self.platforms.add(minute, sources):
            self._moved("platforms", of, change)
        one = replace(partial, second=minute * 60, known_at=0)
        held = self.minutes.get(minute)
        self.minutes[minute] = merge(held, one) if held else one
        self.unlearned.add(minute)

    def _moved(self, signal: str, minute: int, change: int) -> None:
        # A late arrival moves fresh counts of its own minute and later ones only: none of them is final yet.
        self.series[signal].add(minute * 6, change)
        self.unlearned.add(minute)

    # ---- learning

    def learn(self, at: int) -> None:
        """Learn every minute that is final at tick `at`, in order of time."""
        ready = sorted(m for m in self.unlearned if (m + 1) * 60 <= at - FINAL_S)
        for minute in ready:
            self.unlearned.discard(minute)
            for (rule_id, signal), detector in self.detectors.items():
                self._lesson(rule_id, signal, detector, (minute + 1) * 60)
        for key, detector in self.detectors.items():
            if detector.learns_zeros:
                self._zeros(key, detector, (at - FINAL_S) // 60 * 60)

    def _lesson(self, rule_id: str, signal: str, detector: Detector, end: int) -> None:
        series = self.series[signal]
        value = series.window(end, 60)
        if value <= 0 and not detector.learns_zeros:
            return
        if detector.learns_zeros:
            self._zeros((rule_id, signal), detector, end - 60)
        lift = lift_of(self.by_id[rule_id], end)
        detector.learn(Sample(end, value, series.windows(end, detector.windows), lift))
        self.learned_to[rule_id, signal] = end

    def _zeros(self, key: tuple[str, str], detector: Detector, end: int) -> None:
        """Tell a detector that counts minutes of those with nothing in them, a week of them at most."""
        done = self.learned_to.get(key, self.start // 60 * 60)
        for minute in range(max(done + 60, end - 7 * 86400), end + 60, 60):
            counts = self.series[key[1]].windows(minute, detector.windows)
            detector.learn(Sample(minute, self.series[key[1]].window(minute, 60), counts, 1.0))
            self.learned_to[key] = minute

    # ---- judging

    def judge(self, rule: Rule, at: int) -> Judged:
        """The verdict of the signal that is furthest over its threshold, and whether the floors let it count."""
        best: Judged | None = None
        for signal in rule.watch:
            detector = self.detectors[rule.id, signal]
            series = self.series[signal]
            counts = series.windows(at, detector.windows)
            if signal == "care" and not self.care_shown(at):
                counts = tuple(0 for _ in counts)
            verdict = detector.judge(Sample(at, series.window(at, 60), counts, lift_of(rule, at)))
            hit = verdict.exceptional and self.floor(rule, signal, at)
            one = Judged(rule, signal, verdict, hit)
            if best is None or (hit, verdict.score - verdict.threshold) > (
                best.exceptional,
                best.verdict.score - best.verdict.threshold,
            ):
                best = one
        assert best is not None, "a rule watches at least one signal"
        return best

    def floor(self, rule: Rule, signal: str, at: int) -> bool:
        """Is one of the rule's floors of this signal's kind met by the last hour?"""
        return any(floor_of_kind(f, signal) and self._met(f, at) for f in rule.at_least)

    def _met(self, floor: Floor, at: int) -> bool:
        if self.series["mentions"].window(at, HOUR_S) < floor.mentions:
            return False
        if self.series["echo"].window(at, HOUR_S) < floor.echo:
            return False
        if floor.care and (not self.care_shown(at) or self.series["care"].window(at, HOUR_S) < floor.care):
            return False
        return floor.authors <= 0 or self.authors(at) >= floor.authors

    def authors(self, at: int) -> int:
        """Different people in the hour before `at`, by whole minutes."""
        return self.people.distinct((at - HOUR_S) // 60, (at - 1) // 60)

    def care_shown(self, at: int) -> bool:
        """Care and internal sources show nothing under five different people (readings have none to tell apart)."""
        people = distinct(p.care_authors for p in self.hour(at))
        return people >= CARE_PEOPLE or (
            people == 0 and self.series["care"].window(at, HOUR_S) >= CARE_PEOPLE
        )

    def hour(self, at: int) -> Iterator[Partial]:
        """The minutes of the hour before `at`, in order of time."""
        for minute in range((at - HOUR_S) // 60, (at - 1) // 60 + 1):
            held = self.minutes.get(minute)
            if held is not None:
                yield held

    # ---- alerts

    def timers(self, before: int, *, with_it: bool) -> Iterator[Change]:
        """Fire the timers due before tick `before` (`with_it`: at it), in order of their due times."""
        for rule in self.rules:
            alert = self.alerts.get(rule.id, INACTIVE)
            if alert.due is not None and (alert.due <= before if with_it else alert.due < before):
                due = alert.due
                self.alerts[rule.id], happened = timed(alert)
                yield Change(due, rule, happened, self.last.get(rule.id))

    def visit(self, at: int) -> Iterator[Change]:
        """Judge the rules at tick `at`; yields what happened to their alerts ("" for a judgement that moved nothing).

        A rule whose floors are not met cannot fire: while it is inactive it is judged once a minute, for its history.
        """
        fresh_minute = at // 60 > self.judged_minute
        self.judged_minute = at // 60
        for rule in self.rules:
            alert = self.alerts.get(rule.id, INACTIVE)
            can_fire = any(self.floor(rule, signal, at) for signal in rule.watch)
            if not (can_fire or fresh_minute or alert.state != "inactive"):
                continue
            one = self.judge(rule, at)
            self.last[rule.id] = one
            after, happened = judged(
                alert, one.exceptional, at, for_s=rule.for_s, keep_firing_s=rule.keep_firing_s
            )
            self.alerts[rule.id] = after
            yield Change(at, rule, happened, one)

    def settle(self, at: int) -> None:
        """End a visit: forget what no window can ask for any more."""
        self.last_tick = at
        self.articles = []
        oldest = (at - self.span - FINAL_S - 120) // TICK_S
        for series in self.series.values():
            series.trim(oldest)
        first = at // 60 - KEPT
        if any(m < first for m in self.minutes):
            self.people.trim(first)
            self.platforms.trim(first)
            self.minutes = {m: p for m, p in self.minutes.items() if m >= first}


def due_tick(known_at: int) -> int:
    """The first tick that may use what is known at a second: known strictly before it."""
    return (known_at // TICK_S + 1) * TICK_S


def source_number(source: str) -> int:
    """A source as a number to keep in a set of minutes."""
    return int.from_bytes(source.encode()[:24], "big") + 1
