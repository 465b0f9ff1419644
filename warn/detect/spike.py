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

from msgspec import Struct

from warn.detect.base import Sample, Verdict
from warn.detect.baseline import (
    DAY,
    FAST_TAU,
    LAG,
    MINUTE,
    SLOW_TAU,
    UNKNOWN_CURVE,
    Shape,
    rate_of,
    shape_of,
    stated,
)
from warn.detect.deviance import deviance, winsorised
from warn.detect.dispersion import FIRM
from warn.detect.learned import fresh, from_bytes, to_bytes
from warn.detect.profile import HALF_HOUR, wall
from warn.detect.tail import LN10, Prior

HOUR: Final = 3600
HORIZON: Final = 720.0
"""Hours in 30 days."""
QUIET: Final = 4.0
"""A series is quiet up to this score: once in 10,000 hours."""
RELEASE: Final = 6 * HOUR
"""Seconds without a break after which loud is usual."""
LOUD_LESSON: Final = 0.05
LOUD_HOUR: Final = 0.3
PAUSE_HOURS=8
HEAVY: Final = 10.0
"""Nats at which a conservative look stops believing in exponential tails."""
LEARNING: Final = 14 * DAY
SCORES: Final = Prior(over=1.0, often=0.1, scale=1.0 / LN10)
"""Of scores themselves the prior is that they mean what they say."""


class Look(NamedTuple):
    """One way to look: a window, against which baseline, and what is believed of G's hourly maximum."""

    window: int
    fast: bool
    tail: Prior


def _tail(often: float) -> Prior:
    return Prior(over=3.0, often=often, scale=1.0)


LOOKS: Final = (
    Look(60, True, _tail(0.40)),
    Look(180, True, _tail(0.30)),
    Look(300, True, _tail(0.25)),
    Look(900, True, _tail(0.15)),
    Look(900, False, _tail(0.15)),
    Look(3600, False, _tail(0.08)),
    Look(10800, False, _tail(0.05)),
)
PHI: Final = {
    "mentions": 1.3, "authors": 1.3, "platforms": 1.1, "care": 1.3, "negativity": 1.5, "echo": 8.0, "reach": 5000.0,
}  # fmt: skip
"""Dispersion believed before anything was seen. Votes come in lumps of a poll; followers in accounts of thousands."""


class Setting(Struct, frozen=True, kw_only=True):
    """What a series is judged by. `budget`: false pages per 30 days; `usual`: its owner's idea of a day.

    `step` is what one lesson covers, in seconds; looks shorter than that are left out.
    `conservative`: believe in heavier tails (ln(1 + G) in place of G): fewer false pages, flashes found later.
    """

    signal: str = "mentions"
    zone: str = "UTC"
    budget: float = 2.0
    usual: float | None = None
    conservative: bool = False
    step: int = MINUTE


USUAL_SETTING: Final = Setting()


class View(NamedTuple):
    """What follows from the sums, the same for a whole half hour; `tails` are (score at `over`, score per nat)."""

    half_hour: int
    shape: Shape
    phi: list[float]
    tails: list[tuple[float, float]]
    threshold: float


class Seen(NamedTuple):
    """One look at all windows: the rarest look's score, the surprise of each look, and what was usual."""

    score: float
    look: int
    surprises: list[float]
    usual: list[float]
    slow: float
    ratio: float
    view: View


class Spike:
    """Judges one series of counts against its own past."""

    learns_zeros = False

    def __init__(self, start: int, setting: Setting = USUAL_SETTING) -> None:
        self._looks = tuple(x for x in LOOKS if x.window >= setting.step) or (
            Look(setting.step, False, LOOKS[-1].tail),
        )
        self.windows: tuple[int, ...] = tuple(sorted({x.window for x in self._looks}))
        self._index = tuple(self.windows.index(x.window) for x in self._looks)
        self._hour_index = min(range(len(self.windows)), key=lambda i: abs(self.windows[i] - HOUR))
        self._setting = setting
        self._zone = ZoneInfo(setting.zone)
        self._usual = stated(setting.usual)
        self._nominal = log10(HORIZON / setting.budget)
        self._learned = fresh(start, len(self.windows), len(self._looks))
        self._view: View | None = None

    def judge(self, sample: Sample) -> Verdict:
        """The rarest look at the series; see the module."""
        at = sample.at
        seen = self._see(sample, at - LAG)
        look = seen.look
        i = self._index[look]
        usual = seen.usual[look]
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
        now.peak = max(now.peak, seen.score)
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
        self._view = None

    def _see(self, sample: Sample, final: int) -> Seen:
        """Looks at all windows with what was learnt up to `final`. Changes nothing that is learnt."""
        at, counts, learned = sample.at, sample.counts, self._learned
        view = self._view_of((at - 1) // HALF_HOUR)
        phi, tails = view.phi, view.tails
        common = phi[self._hour_index]
        rate = rate_of(learned.levels, self._usual, view.shape, common, final, learned.start)
        level = rate.slow * sample.lift
        means = [level * w * over(view.shape, at, w) for w in self.windows]
        # Little is known of a level that rests on few mentions, and of the hours of the first day.
        unsure = common / rate.knowledge + UNKNOWN_CURVE * exp((learned.start - at) / DAY)
        usual = [
            means[i] * rate.ratio if x.fast else means[i]
            for i, x in zip(self._index, self._looks, strict=True)
        ]
        score, which, surprises = 0.0, len(usual) - 1, [0.0] * len(usual)
        for k, m in enumerate(usual):
            i = self._index[k]
            if counts[i] - 0.5 <= m:
                continue
            g = deviance(counts[i], m, phi[i] + m * unsure)
            if self._setting.conservative:
                g = HEAVY * log(1.0 + g / HEAVY)
            surprises[k] = g
            prior = self._looks[k].tail
            if g > prior.over:
                at_over, per_nat = tails[k]
                c = at_over + (g - prior.over) * per_nat
                if c > score:
                    score, which = c, k
        return Seen(
            score, which, surprises, usual, level * over(view.shape, at, self._setting.step), rate.ratio, view
        )

    def _view_of(self, half_hour: int) -> View:
        view = self._view
        if view is None or view.half_hour != half_hour:
            view = self._view = self._make_view(half_hour)
        return view

    def _make_view(self, half_hour: int) -> View:
        learned, setting = self._learned, self._setting
        phi = learned.dispersion.fit(PHI[setting.signal], half_hour)
        first = wall(learned.start // HALF_HOUR, self._zone)
        now = wall(half_hour, self._zone)
        shape = shape_of(learned.levels.profile, half_hour, now, first, phi[self._hour_index])
        hour, first_hour = half_hour // 2, learned.start // HOUR
        tails = []
        for look, tail in zip(self._looks, learned.tails, strict=True):
            often, scale = tail.fit(look.tail, hour, first_hour)
            tails.append((-log10(often), 1.0 / (scale * LN10)))
        often, scale = learned.scores.fit(SCORES, hour, first_hour)
        earned = SCORES.over + scale * log(often * HORIZON / setting.budget)
        return View(half_hour, shape, phi, tails, max(self._nominal, earned))

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
        slow = seen.slow * step
        fast = slow * seen.ratio
        count = winsorised(sample.value, fast, deviance(sample.value, fast, seen.view.phi[0]), FIRM)
        taught_slow = taught_fast = count
        if not quiet:
            taught_slow = LOUD_LESSON * count + (1.0 - LOUD_LESSON) * slow
            taught_fast = LOUD_LESSON * count + (1.0 - LOUD_LESSON) * fast
        minute, lift = at // MINUTE, sample.lift
        shape = over(seen.view.shape, at, step)
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
        self._view = None

    def _close_hour(self) -> None:
        """Hour's greatest surprises join the tails; those of a loud hour for less."""
        learned = self._learned
        now, first = learned.now, learned.start // HOUR
        import os
        if now.hour * HOUR >= learned.start + float(os.environ.get('AFTER','2')) * DAY:
            for tail, look, peak in zip(learned.tails, self._looks, now.peaks, strict=True):
                tail.add(peak, look.tail, now.hour, first, LOUD_HOUR if now.loud else 1., plain=now.loud)
            self._decluster(now.peak, now.hour)
        now.peaks, now.peak, now.loud = [0.0] * len(now.peaks), 0.0, False

    def _decluster(self, peak: float, hour: int) -> None:
        learned = self._learned
        if peak <= SCORES.over:
            return
        if hour - learned.episode_hour < PAUSE_HOURS:
            learned.episode_peak = max(learned.episode_peak, peak)
            return
        import os
        if learned.episode_hour:
            learned.scores.add(min(learned.episode_peak, learned.episode_bar+float(os.environ.get('CENS','1'))*learned.scores.fit(SCORES,hour,learned.start//HOUR)[1]), SCORES, learned.episode_hour, learned.start // HOUR, 1.0)
        learned.episode_hour, learned.episode_peak = hour, peak
        self._view = None
        learned.episode_bar = self._view_of(hour * 2).threshold
        self._view = None


def over(shape: Shape, at: int, seconds: int) -> float:
    """The mean of a shape over the `seconds` before `at`, by its middle; by three middles for hours."""
    if seconds <= HOUR:
        return shape.at(at - seconds / 2)
    if seconds <= 3 * HOUR:
        third = seconds / 6
        return (shape.at(at - third) + shape.at(at - 3 * third) + shape.at(at - 5 * third)) / 3.0
    return 1.0
