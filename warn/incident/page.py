"""The page: what an incident is, in the words of its rule file's language, from stored numbers only.

Whatever is cut off by a channel is cut off at the end, so the order is the order of need: the first 100
characters carry the brand, about what, how many people, since when. Where a crisis is votes the page says
votes, not people. Nothing here knows a person: the largest account is told by its followers, rounded.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from warn.incident import silence_page
from warn.incident.course import LINGER_S, Turn
from warn.incident.dutch import DUTCH
from warn.incident.english import ENGLISH
from warn.incident.lead import dated_well
from warn.incident.printable import clean, cut
from warn.incident.words import Pair, Words
from warn.model.alerts import AlertEvent, IncidentEvent, Numbers

CATALOGUE = {"en": ENGLISH, "nl": DUTCH}
RARE = 0.5
"""Under half a mention usual in the window, a multiple of normal says nothing: "1,400x normal" of next to nothing."""
FIRST = 100
"""What of the summary must carry brand, about what, how many, since when: what a lock screen shows."""

_TRIES = (
    (40, 3, 40, True),
    (40, 2, 40, True),
    (40, 1, 24, True),
    (24, 1, 24, True),
    (24, 1, 24, False),
    (12, 1, 12, False),
)
"""(room for the brand, terms, room for each, with times normal), until it fits `FIRST`."""


def tell(turn: Turn, label: str = "") -> IncidentEvent:
    """The record of what happened, with its texts. `label` ([DEMO], [DRILL]) begins every one of them."""
    voice = turn.voice
    words = CATALOGUE.get(voice.language.partition("-")[0].lower(), ENGLISH)
    teller = _Teller(turn, words, f"{label} " if label else "")
    summary = teller.summary()
    return IncidentEvent(
        event=turn.event,
        at=turn.at,
        incident=turn.incident,
        sequence=turn.sequence,
        alert=voice.alert,
        rule=voice.rule,
        brand=voice.brand,
        topic=voice.topic,
        severity=turn.severity,
        mode=turn.mode,
        summary=summary,
        message="\n".join((summary, *teller.lines())),
        numbers=voice.numbers,
        about=voice.about,
        samples=voice.samples,
        labels=voice.labels,
        annotations=voice.annotations,
        state="closed" if turn.event == "resolved" else "open",
        language=voice.language,
        timezone=voice.timezone,
        page_at=turn.page_at,
        press_at=turn.press_at,
        press_seen_at=turn.press_seen_at,
        silent=voice.silent,
    )


def gather(event: IncidentEvent, summaries: tuple[str, ...], pages: int) -> IncidentEvent:
    """The one summary for all pages beyond `pages` an hour: the latest on top, then all of them."""
    words = CATALOGUE.get(event.language.partition("-")[0].lower(), ENGLISH)
    lines = (event.summary, words.gathered.format(n=number(pages, words)), *(f"- {s}" for s in summaries))
    return msgspec.structs.replace(event, message="\n".join(lines))


def number(n: float, words: Words) -> str:
    """Digits with the language's own marks: whole from 10 on, one decimal from 1 on, two digits below."""
    if n >= 10 or n == int(n):
        return f"{round(n):,}".replace(",", words.thousands)
    text = f"{n:.1f}".removesuffix(".0") if n >= 1 else f"{n:.2f}" if n >= 0.1 else f"{max(n, 0.001):.3f}"
    return text.replace(".", words.point)


def about_so_many(n: int) -> int:
    """Two significant digits: enough to know who it is not."""
    scale = int(10 ** max(len(str(n)) - 2, 0))
    return (n + scale // 2) // scale * scale


def local(at: int, now: int, zone: str, words: Words) -> str:
    """Time of day where the reader lives, with the date where it is not today's; UTC says so."""
    where: tzinfo
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        where, zone = UTC, "UTC"
    then, today = datetime.fromtimestamp(at, where), datetime.fromtimestamp(now, where)
    day = "" if then.date() == today.date() else f"{then.day} {words.months[then.month - 1]} "
    return f"{day}{then:%H:%M}" + (" UTC" if zone in {"UTC", "Etc/UTC"} else "")


def _some(pair: Pair, n: int, words: Words) -> str:
    return pair[n != 1].format(n=number(n, words))


class _Teller:
    """One turn, about to be told in one language."""

    def __init__(self, turn: Turn, words: Words, prefix: str) -> None:
        self.turn, self.words, self.prefix = turn, words, prefix
        self.alert: AlertEvent = turn.voice
        self.numbers: Numbers = turn.voice.numbers

    def _time(self, at: int) -> str:
        return local(at, self.turn.at, self.alert.timezone, self.words)

    def _count(self, n: int | None = None) -> str:
        """How many, in the unit that decided; `n` in place of what was seen."""
        numbers, words = self.numbers, self.words
        if numbers.signal == "echo":
            return _some(words.votes, numbers.echo if n is None else n, words)
        if numbers.signal == "care":
            return _some(words.care, numbers.care if n is None else n, words)
        if numbers.people:
            return _some(words.people, numbers.people if n is None else n, words)
        return _some(words.mentions, numbers.mentions if n is None else n, words)

    def _about(self, terms: int, room: int) -> str:
        shown = [clean(t, room) for t in self.alert.about[:terms]]
        topic = self.alert.topic.rpartition("/")[2]
        if not any(shown) and bare(topic) != bare(self.alert.brand):
            shown = [clean(topic, room)]
        text = cut(" ".join(t for t in shown if t), room)
        return self.words.about.format(about=text.replace("'", "’")) if text else ""

    def _times(self) -> str:
        times = self.numbers.times
        if times > 1 and self.numbers.expected < RARE:
            return self.words.times_rare
        if times < 1.1:
            return ""
        if times >= 1000:
            return self.words.times_over.format(n=number(1000, self.words))
        return self.words.times.format(n=number(times, self.words))

    def summary(self) -> str:
        """The sentence that wakes somebody."""
        if self.alert.silent:
            return silence_page.summary(self.turn, self.words, self.prefix, self._time)
        words, numbers, turn = self.words, self.numbers, self.turn
        opening = {
            "opened": words.opened,
            "updated": words.updated,
            "wave": words.wave,
            "resolved": words.resolved,
        }
        since = words.since.format(time=self._time(numbers.since)) if numbers.since else ""
        head = ""
        for brand, terms, room, full in _TRIES:
            head = self.prefix + opening[turn.event].format(brand=clean(self.alert.brand, brand))
            head += self._count() + self._about(terms, room) + (self._times() if full else "") + since
            if len(head) <= FIRST:
                break
        if turn.event == "resolved":
            head += words.quiet_since.format(time=self._time(turn.at - LINGER_S))
        elif numbers.growing:
            head += words.growing
        return head + "." + self._press()

    def _press(self) -> str:
        numbers, words = self.numbers, self.words
        if numbers.press and numbers.press_at:
            seen = self.alert.press_seen_at
            well = dated_well(numbers.press_at, seen)
            said = _some(words.articles_since if well else words.articles_seen, numbers.press, words)
            return said.replace("{time}", self._time(numbers.press_at)).replace("{seen}", self._time(seen))
        if numbers.press:
            return _some(words.articles, numbers.press, words)
        # Another topic of the incident may have met the press: then these numbers are no ground to deny it.
        if self.turn.press or self.turn.event == "resolved":
            return ""
        return words.no_press if numbers.press_heard else words.press_unheard

    def lines(self) -> Iterator[str]:
        """What comes after the summary, most needed first."""
        if self.alert.silent:
            yield from silence_page.lines(self.turn, self.words, self._time, self._span)
            return
        words, numbers = self.words, self.numbers
        if self.turn.mode != "live":
            yield words.shadow
        if why := self.alert.annotations.get("summary"):
            yield clean(why, 300)
        if playbook := self.alert.annotations.get("playbook"):
            yield words.playbook.format(playbook=clean(playbook, 200))
        if owner := self.alert.annotations.get("owner"):
            yield words.owner.format(owner=clean(owner, 120))
        yield from self._story()
        yield from self._places()
        if numbers.doubling_s is not None and self.turn.event != "resolved":
            yield words.doubling.format(time=self._span(numbers.doubling_s))
        if numbers.largest_followers > 0:
            yield words.carrier.format(n=number(about_so_many(numbers.largest_followers), words))
        if numbers.deaf:
            yield words.deaf.format(places=", ".join(clean(d, 40) for d in numbers.deaf))
        if numbers.would_not_page_under is not None:
            yield words.would_not.format(size=self._count(numbers.would_not_page_under))
        if numbers.learning:
            yield words.learning
        yield from self._measured()

    def _story(self) -> Iterator[str]:
        words, numbers = self.words, self.numbers
        if numbers.signal in {"echo", "care"} and numbers.people:
            yield _some(words.people_too, numbers.people, words)
        if numbers.signal != "echo" and numbers.echo:
            yield words.votes_too.format(votes=_some(words.votes, numbers.echo, words))
        if numbers.signal != "care" and numbers.care:
            yield words.care_too.format(care=_some(words.care, numbers.care, words))
        told = [_some(words.stories, numbers.stories, words)] if numbers.stories else []
        if numbers.story_copies > 1:
            told.append(words.copies.format(n=number(numbers.story_copies, words)))
        if told:
            yield " ".join(told)

    def _places(self) -> Iterator[str]:
        words, numbers = self.words, self.numbers
        told = [words.began.format(place=clean(numbers.first_platform, 40))] if numbers.first_platform else []
        if numbers.platforms:
            shown = (f"{clean(name, 40)} {number(n, words)}" for name, n in numbers.platforms[:6])
            told.append(words.spread.format(places=", ".join(shown)))
        if told:
            yield " ".join(told)

    def _measured(self) -> Iterator[str]:
        """What the detector saw, for who wants to check it: only of signals that count whole things."""
        words, numbers = self.words, self.numbers
        signal = words.signals.get(numbers.signal)
        if signal and numbers.window_s and numbers.expected > 0:
            seen = number(numbers.seen, words)
            expected = words.hardly_any if numbers.expected < RARE else number(numbers.expected, words)
            window = self._span(numbers.window_s)
            yield words.measured.format(signal=signal, seen=seen, window=window, expected=expected)

    def _span(self, seconds: int) -> str:
        minutes = max(1, round(seconds / 60))
        if minutes < 120:
            return _some(self.words.minutes, minutes, self.words)
        return _some(self.words.hours, round(minutes / 60), self.words)


def bare(name: str) -> str:
    """Letters and digits only: a topic named after its brand tells nothing new."""
    return "".join(c for c in name.casefold() if c.isalnum())
