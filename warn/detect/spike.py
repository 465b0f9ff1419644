"""`spike`: more is said than is usual here, at this hour, on some time scale between a minute and three hours.

Judging: for each look (a window, against the fast or the slow baseline) the count's surprise G over what is usual
(`baseline`, `deviance`), turned into the chance per hour of so great a surprise in this series (`tail`); the rarest
look decides. The score is -log10 of that chance, the threshold the one that costs the budget of false pages: by
calculation, and higher where the series' own scores have a heavier tail than that. A budget is a ceiling: nothing
ever lowers the threshold, and no month without a page is made good.

Learning, ten minutes behind: levels, shape of day and week, dispersion, tails. A series that is not quiet teaches
little, so that a crisis does not become the usual; after six hours without a break it is the usual.

Formulas, figures and what they rest on: docs/detection.md. State: about 1.7 kB of plain numbers.
"""

from math import exp, log, log10, sqrt
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from warn.detect.base import Sample, Verdict
from warn.detect.baseline import (
    DAY,
    FAST_TAU,
    LAG,
    MINUTE,
    SLOW_TAU,
    UNKNOWN_CURVE,
    Shape,
    Times,
    rate_of,
    shape_of,
    stated,
)
from warn.detect.deviance import deviance, winsorised
from warn.detect.dispersion import FIRM
from warn.detect.learned import fresh, from_bytes, to_bytes
from warn.detect.looks import DEFAULT, HOUR, PHI, Setting, looks_of, mean_shapes
from warn.detect.profile import HALF_HOUR, wall
from warn.detect.tail import LN10

HORIZON: Final = 720.0
"""Hours in 30 days."""
QUIET: Final = 4.0
"""A series is quiet up to this score: once in 10,000 hours."""
RELEASE: Final = 6 * HOUR
"""Seconds without a break after which loud is usual."""
LOUD_LESSON: Final = 0.05
"""How much of a count is learnt while the series is loud."""
SETTLED: Final = 2 * DAY
"""Until levels and hours are known, surprises are the detector's own and teach nothing of rarity."""
LEARNING: Final = 14 * DAY
HEAVY: Final = 10.0
"""Nats at which a conservative look stops believing in exponential tails."""


class View(NamedTuple):
    """What follows from the sums, the same for a whole half hour.

    `looks` are (index of the window, fast, surprise from which it scores, score there, score per nat beyond).
    """

    shape: Shape
    phi: list[float]
    looks: list[tuple[int, bool, float, float, float]]
    threshold: float


class Seen(NamedTuple):
    """One look at all windows: the rarest look's score, the surprise of each look, and what was usual."""

    score: float
    look: int
    surprises: list[float]
    usual: list[float]
    level: float
    shape: float
    ratio: float
    view: View


class Spike:
    """Judges one series of counts against its own past."""

    learns_zeros = False

    def __init__(self, start: int, setting: Setting = DEFAULT) -> None:
        self._looks = looks_of(setting.step)
        self.windows: tuple[int, ...] = tuple(sorted({x.window for x in self._looks}))
        self._index = tuple(self.windows.index(x.window) for x in self._looks)
        # How many mentions are one piece of evidence: phi of five minutes, in which most clusters end. That of hours
        # also holds what the profile has not learnt yet, and would keep it from being learnt.
        self._unit = next((i for i, w in enumerate(self.windows) if w >= 300), len(self.windows) - 1)
        self._setting = setting
        self._zone = ZoneInfo(setting.zone)
        self._usual = stated(setting.usual)
        self._per_hour = setting.budget / HORIZON
        self._nominal = -log10(self._per_hour)
        self._learned = fresh(start, len(self.windows), len(self._looks))
        self._views: dict[int, View] = {}

    def judge(self, sample: Sample) -> Verdict:
        """The rarest look at the series; see the module."""
        at = sample.at
        seen = self._see(sample, at - LAG)
        look = seen.look
        i = self._index[look]
        usual = seen.usual[look]
        if at - LAG <= self._learned.start and self._setting.usual is None:
            usual = float(sample.counts[i])  # nothing is known, so what there is is as usual as anything
        spread = 3.0 * sqrt(seen.view.phi[i] * usual)
        return Verdict(
            score=seen.score,
            threshold=seen.view.threshold,
            window_s=self.windows[i],
            seen=sample.counts[i],
            expected=usual,
            low=max(0.0, usual - spread),
            high=usual + spread,
            learning=at - self._learned.start < LEARNING,
        )

    def learn(self, sample: Sample) -> None:
        """Take a final minute that had something; one that had nothing teaches nothing and changes nothing."""
        if sample.value <= 0:
            return
        learned, at = self._learned, sample.at
        self._open((at - 1) // HALF_HOUR)
        seen = self._see(sample, at - self._setting.step)
        quiet = self._quiet(seen.score, at)
        now = learned.now
        now.peaks = [max(a, b) for a, b in zip(now.peaks, seen.surprises, strict=True)]
        if seen.score > now.peak:
            now.peak, now.bar = seen.score, seen.view.threshold
        now.loud = now.loud or not quiet
        self._learn_levels(sample, seen, quiet=quiet)
        if quiet:
            self._learn_dispersion(sample, seen)
        learned.last = at

    def to_state(self) -> bytes:
        """All that was learned."""
        return to_bytes(self._learned)

    def from_state(self, body: bytes) -> None:
        """The inverse; ValueError for what it cannot read."""
        self._learned = from_bytes(body, len(self.windows), len(self._looks))
        self._views.clear()

    def _see(self, sample: Sample, final: int) -> Seen:
        """Looks at all windows with what was learnt up to `final`. Changes nothing that is learnt."""
        at, counts, learned = sample.at, sample.counts, self._learned
        view = self._view_of((at - 1) // HALF_HOUR)
        phi = view.phi
        common = phi[self._unit]
        rate = rate_of(learned.levels, self._usual, view.shape, common, final, learned.start)
        level = rate.slow * sample.lift
        shapes = mean_shapes(view.shape, at, self.windows)
        # A window that is longer than the series holds no more than the series.
        age = max(at - learned.start, MINUTE)
        means = [level * min(w, age) * x for w, x in zip(self.windows, shapes, strict=True)]
        # Little is known of a level that rests on few mentions, and of the hours of the first day.
        unsure = common / rate.knowledge + UNKNOWN_CURVE * exp((learned.start - at) / DAY)
        heavy, ratio = self._setting.conservative, rate.ratio
        score, which, surprises, usual = 0.0, len(self._looks) - 1, [], []
        for k, (i, fast, over, at_over, per_nat) in enumerate(view.looks):
            m = means[i] * ratio if fast else means[i]
            usual.append(m)
            n, g = counts[i], 0.0
            if n - 0.5 > m:
                g = deviance(n, m, phi[i] + m * unsure)
                if heavy:
                    g = HEAVY * log(1.0 + g / HEAVY)
                c = at_over + (g - over) * per_nat
                if g > over and c > score:
                    score, which = c, k
            surprises.append(g)
        return Seen(score, which, surprises, usual, level, shapes[0], ratio, view)

    def _view_of(self, half_hour: int) -> View:
        view = self._views.get(half_hour)
        if view is None:
            # What is judged is ten minutes ahead of what is learnt: two half hours are in use at a time.
            if len(self._views) > 2:
                self._views.clear()
            view = self._views[half_hour] = self._make_view(half_hour)
        return view

    def _make_view(self, half_hour: int) -> View:
        learned, setting = self._learned, self._setting
        phi = learned.dispersion.fit(PHI[setting.signal], half_hour)
        unit = phi[self._unit]
        shape = shape_of(learned.levels.profile, half_hour, self._times(half_hour), unit)
        hour, first_hour = half_hour // 2, learned.start // HOUR
        looks = []
        for i, look, tail in zip(self._index, self._looks, learned.tails, strict=True):
            often, scale = tail.fit(look.tail, hour, first_hour)
            looks.append((i, look.fast, look.tail.over, -log10(often), 1.0 / (scale * LN10)))
        earned = learned.episodes.bar_for(self._per_hour, hour, first_hour)
        return View(shape, phi, looks, max(self._nominal, earned))

    def _times(self, half_hour: int) -> Times:
        """What a profile may know: a half hour is complete ten minutes after its end, so from the next but one on."""
        now = self._learned.now
        here = wall(half_hour, self._zone)
        first = wall(self._learned.start // HALF_HOUR, self._zone)
        if now.half_hour >= half_hour - 1:
            return Times(here, wall(now.half_hour, self._zone), first, None)
        more = (wall(now.half_hour, self._zone), now.count) if now.half_hour else None
        return Times(here, here - 1, first, more)

    def _quiet(self, score: float, at: int) -> bool:
        """Whether this minute may teach in full, and takes note of it."""
        learned = self._learned
        silence = at - learned.last > self.windows[-1]
        if score <= QUIET or silence or at - learned.start < DAY:
            learned.quiet_at = at
        return learned.quiet_at == at or at - learned.quiet_at > RELEASE

    def _learn_levels(self, sample: Sample, seen: Seen, *, quiet: bool) -> None:
        """The count, pulled back where it is a firm surprise; mostly the usual while the series is loud."""
        learned, at, step = self._learned, sample.at, self._setting.step
        slow = seen.level * seen.shape * step
        fast = slow * seen.ratio
        count = winsorised(sample.value, fast, deviance(sample.value, fast, seen.view.phi[0]), FIRM)
        taught_slow = taught_fast = count
        if not quiet:
            taught_slow = LOUD_LESSON * count + (1.0 - LOUD_LESSON) * slow
            taught_fast = LOUD_LESSON * count + (1.0 - LOUD_LESSON) * fast
        minute, lift = at // MINUTE, sample.lift
        shape = seen.shape
        learned.levels.slow.add(taught_slow / (shape * lift), minute, SLOW_TAU)
        learned.levels.fast.add(taught_fast / lift, minute, FAST_TAU)
        learned.now.count += taught_slow / lift

    def _learn_dispersion(self, sample: Sample, seen: Seen) -> None:
        """Each window's block of time that this lesson falls in."""
        for k, i in enumerate(self._index):
            # A window with two looks is judged against the slow level too; its blocks are measured by the fast one.
            if k and self._index[k - 1] == i:
                continue
            block = (sample.at - 1) // self.windows[i]
            mean = seen.usual[k] / sample.lift
            self._learned.dispersion.take(i, block, sample.value / sample.lift, mean, seen.view.phi[i])

    def _open(self, half_hour: int) -> None:
        """Begin another half hour: what the last one taught joins the sums."""
        learned = self._learned
        now = learned.now
        if half_hour == now.half_hour:
            return
        if now.half_hour:
            first = wall(learned.start // HALF_HOUR, self._zone)
            learned.levels.profile.add(now.count, wall(now.half_hour, self._zone), first)
            learned.dispersion.commit(now.half_hour)
        now.count, now.half_hour = 0.0, half_hour
        if half_hour // 2 != now.hour:
            self._close_hour()
            now.hour = half_hour // 2
        self._views.clear()

    def _close_hour(self) -> None:
        """The hour's greatest surprises join the tails, and its greatest score the episodes."""
        learned = self._learned
        now, first = learned.now, learned.start // HOUR
        if now.hour * HOUR >= learned.start + SETTLED:
            for tail, look, peak in zip(learned.tails, self._looks, now.peaks, strict=True):
                tail.take(peak, look.tail, now.hour, first, loud=now.loud)
            learned.episodes.take(now.peak, now.bar, now.hour, first)
        now.peaks, now.peak, now.bar, now.loud = [0.0] * len(now.peaks), 0.0, 0.0, False
