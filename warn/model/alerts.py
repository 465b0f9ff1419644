"""Records of `[desk]`, `[history]` and `[incidents]`: what detect says, and what respond makes of it."""

from typing import Literal

from msgspec import Struct

from warn.model.records import Silent


class Numbers(Struct, frozen=True, kw_only=True):
    """Every number that a page may say, since `since` (over the last hour at most) unless the field says otherwise.

    `expected` is what is usual for `window_s`; `times` how many times that was seen; `score` and `threshold` are
    -log10 of the chance per hour, where the detector knows one. `press_heard`: a channel of the rule files has the role
    press, so that no article means something. `stories` is 0 where there are too many to tell. `would_not_page_under` is the smallest size that
    would still have paged, found by bisection; None where that has no meaning.
    """

    people: int = 0
    mentions: int = 0
    echo: int = 0
    echo_people: int = 0
    care: int = 0
    reach: int = 0
    negative: int = 0
    since: int = 0
    signal: str = ""
    window_s: int = 0
    seen: int = 0
    expected: float = 0.0
    times: float = 0.0
    score: float = 0.0
    threshold: float = 0.0
    doubling_s: int | None = None
    growing: bool = False
    platforms: tuple[tuple[str, int], ...] = ()
    first_platform: str = ""
    press: int = 0
    press_heard: bool = False
    press_at: int | None = None
    stories: int = 0
    story_copies: int = 0
    largest_followers: int = 0
    would_not_page_under: int | None = None
    learning: bool = False
    deaf: tuple[str, ...] = ()


class AlertEvent(Struct, frozen=True, kw_only=True, tag="alert"):
    """What the alert of one rule did at `at`: firing, update (still firing), or resolved.

    `silent`: of warn's own alert, the sources that it is about. `press_seen_at`: when we saw the article of `numbers.press_at`. `about`: terms that at least five people used, never a handle. `story`: hash of the story most repeated;
    `samples`: hashes of mentions to look up in `[evidence]`.
    """

    kind: Literal["firing", "update", "resolved"]
    at: int
    brand: str
    rule: str
    alert: str
    topic: str
    severity: str
    mode: str
    episode: int
    numbers: Numbers
    about: tuple[str, ...] = ()
    samples: tuple[int, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    language: str = "en"
    timezone: str = "UTC"
    press_seen_at: int = 0
    silent: tuple[Silent, ...] = ()


class Beat(Struct, frozen=True, kw_only=True, tag="beat"):
    """The brand's own time, on whole minutes while it is not at rest: it drives the timers of its incidents."""

    at: int
    brand: str


class Article(Struct, frozen=True, kw_only=True, tag="article"):
    """At tick `at`, `articles` of the press about a topic became known while its brand was not at rest.

    `press_ms`: when the earliest of them was published by its own word; `seen_ms`: when we saw that one.
    """

    at: int
    brand: str
    topic: str
    articles: int
    press_ms: int
    seen_ms: int


class Tick(Struct, frozen=True, kw_only=True, tag="tick"):
    """Delivery's time, each second. It never touches the course of an incident."""

    now: int


class Receipt(Struct, frozen=True, kw_only=True, tag="receipt"):
    """What became of one claimed attempt to deliver."""

    now: int
    delivery: str
    attempt: int
    outcome: Literal["delivered", "retry", "refused"]
    reason: str = ""
    retry_after_s: float | None = None
    remote: str = ""


class Passed(Struct, frozen=True, kw_only=True, tag="canary"):
    """The canary of minute `minute` has come through all of match, and partition `partition` of detect has judged all
    that was known then.
    """

    minute: int
    partition: int


DeskRecord = AlertEvent | Beat | Article | Tick | Receipt | Passed


class HistoryPoint(Struct, frozen=True, kw_only=True):
    """One rule and minute: what charts, explain, why-not and rebuild read. No person in it; kept 10 weeks."""

    brand: str
    rule: str
    topic: str
    signal: str
    minute: int
    count: int
    expected: float
    low: float
    high: float
    score: float
    threshold: float
    state: str


class IncidentEvent(Struct, frozen=True, kw_only=True, tag="incident"):
    """What happened to an incident: a line of replay's output, and what the web shows.

    `at` is event time in whole seconds; `since` is when it began. `message` is the page, cut to length by notifiers.
    `page_at`: when it first rang as a page. `press_at`: when its first article was published by its own word, and
    `press_seen_at` when we saw that one: the truth lies between the two. 0 in records of older releases.
    """

    event: Literal["opened", "updated", "wave", "resolved"]
    at: int
    incident: str
    sequence: int
    alert: str
    rule: str
    brand: str
    topic: str
    severity: str
    mode: str
    summary: str
    message: str
    numbers: Numbers
    about: tuple[str, ...] = ()
    samples: tuple[int, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    state: str = "open"
    language: str = "en"
    timezone: str = "UTC"
    page_at: int = 0
    press_at: int = 0
    press_seen_at: int = 0
    silent: tuple[Silent, ...] = ()


class DeliveryEvent(Struct, frozen=True, kw_only=True, tag="delivery"):
    """What became of telling one notifier: who was told, when, and whether it was accepted."""

    incident: str
    sequence: int
    notifier: str
    state: Literal["claimed", "delivered", "retry", "refused", "superseded", "expired", "held"]
    at: int
    attempt: int
    reason: str = ""


class Delivery(Struct, frozen=True, kw_only=True):
    """One claimed attempt, handed to a sender after the step that claimed it was committed."""

    delivery: str
    attempt: int
    notifier: str
    action: Literal["trigger", "update", "resolve"]
    dedup_key: str
    event: IncidentEvent
    label: str = ""
    maybe_repeated: bool = False
