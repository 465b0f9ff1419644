"""A compiled rule set as plain data: what `[config]` stores under its hash and every stage decides by.

`warn/rulefile` makes these from YAML; nothing here knows files.
"""

from typing import Literal

from msgspec import Struct, field

Signal = Literal["mentions", "authors", "echo", "reach", "negativity", "platforms", "care"]
SIGNALS: tuple[str, ...] = Signal.__args__  # type: ignore[attr-defined]


class Term(Struct, frozen=True):
    """One thing to look for.

    `kind`: `word` (also several words), `phrase` (words in this order, any white space), `handle` (@), `hashtag` (#),
    `cashtag` ($), `regex` (RE2 on folded text). `text` is as written, with its sign.
    """

    text: str
    kind: Literal["word", "phrase", "handle", "hashtag", "cashtag", "regex"] = "word"


class Near(Struct, frozen=True):
    """All of these words within `distance` words of each other."""

    words: tuple[Term, ...]
    distance: int


class Topic(Struct, frozen=True):
    """A named match expression. `name` is unique in a rule set: `brand/topic`; `within` names another topic.

    `public_only`: never looked for in what sources of role `internal` say (strike, leak).
    """

    name: str
    brand: str
    any: tuple[Term, ...] = ()
    all: tuple[Term, ...] = ()
    none: tuple[Term, ...] = ()
    within: str | None = None
    near: tuple[Near, ...] = ()
    public_only: bool = False


class Account(Struct, frozen=True):
    """An account of ours: left out of counts."""

    source: str
    handle: str


class Channel(Struct, frozen=True):
    """A source as governed."""

    source: str
    owner: str = ""
    deputy: str = ""
    risk: tuple[str, ...] = ()
    role: str = ""
    expect_s: int | None = None


class Expect(Struct, frozen=True):
    """A planned peak: `lift` times the usual is normal from `start` to `end` (seconds)."""

    start: int
    end: int
    lift: float
    why: str = ""


class Floor(Struct, frozen=True):
    """Evidence that must be there, all of it, within the last hour; a rule's floors are alternatives."""

    mentions: int = 0
    authors: int = 0
    echo: int = 0
    care: int = 0


class DetectorSpec(Struct, frozen=True):
    """`name`: spike, threshold, river; `params` plain JSON values."""

    name: str = "spike"
    params: dict[str, object] = field(default_factory=dict)


class Rule(Struct, frozen=True):
    """One alert. `id` is unique in a rule set: `brand/alert`. `budget_per_30d` is this rule's share."""

    id: str
    alert: str
    brand: str
    topic: str
    watch: tuple[str, ...] = ("mentions", "authors", "echo")
    detector: DetectorSpec = field(default_factory=DetectorSpec)
    at_least: tuple[Floor, ...] = (Floor(mentions=8, authors=5), Floor(echo=100))
    for_s: int = 0
    keep_firing_s: int = 1800
    severity: str = "page"
    mode: str = "shadow"
    budget_per_30d: float = 2.0
    usual_per_day: dict[str, float] = field(default_factory=dict)
    timezone: str = "UTC"
    language: str = "en"
    expect: tuple[Expect, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


class RuleSet(Struct, frozen=True):
    """Everything in force at once. `negative`: folded words that make a mention negative, all languages together."""

    topics: tuple[Topic, ...] = ()
    rules: tuple[Rule, ...] = ()
    accounts: tuple[tuple[str, Account], ...] = ()
    channels: tuple[tuple[str, Channel], ...] = ()
    negative: tuple[str, ...] = ()
    version: int = 1
