"""What a language must be able to say: one catalogue per language, complete because the type says so.

Braces are filled in by `warn.incident.page`, which alone decides what is said. A pair is (one, several).
"""

from dataclasses import dataclass

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The sentences of a page in one language."""

    thousands: str
    point: str
    months: tuple[str, ...]

    opened: str
    updated: str
    wave: str
    resolved: str
    people: Pair
    mentions: Pair
    votes: Pair
    care: Pair
    about: str
    times: str
    times_over: str
    times_rare: str
    since: str
    quiet_since: str
    growing: str
    articles: Pair
    articles_since: Pair
    articles_seen: Pair
    no_press: str
    press_unheard: str

    shadow: str
    learning: str
    measured: str
    hardly_any: str
    signals: dict[str, str]
    minutes: Pair
    hours: Pair
    people_too: Pair
    votes_too: str
    care_too: str
    copies: str
    stories: Pair
    began: str
    spread: str
    doubling: str
    carrier: str
    deaf: str
    would_not: str
    playbook: str
    owner: str
    gathered: str

    silence: "SilenceWords"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceWords:
    """What is said of warn itself when it does not hear a source. `why`: by the words of `Reason`."""

    deaf: str
    late: str
    opened: str
    updated: str
    wave: str
    resolved: str
    more: str
    since: str
    nothing: str
    usual: str
    cut: str
    cut_why: str
    lagging: str
    critical: str
    meaning: str
    remedy: str
    why: dict[str, str]
