"""Records of `[mentions]` and `[signals]`.

A record is a msgpack array whose first element is its kind; fields are only ever added at the end, with defaults.
"""

from msgspec import Struct

from warn.model.mention import Mention, Reading


class Parcel(Struct, frozen=True, array_like=True, tag="p"):
    """Up to 200 mentions or 20 ms of one partition."""

    mentions: tuple[Mention, ...] = ()
    readings: tuple[Reading, ...] = ()


class Silent(Struct, frozen=True, array_like=True):
    """A source that is not heard as it should be, since second `since`.

    `state`: `deaf` (nothing comes), `cut` (whoever runs it turns us away, or it keeps failing), `lagging` (what comes is
    old). `usual_s`: something usually comes at least so often, or is usually so old; 0: not known. `why`: a word of
    `Reason`. `critical`: the settings say that without it warn counts as deaf.
    """

    source: str
    state: str
    since: int
    usual_s: int = 0
    why: str = ""
    critical: bool = False


class Clock(Struct, frozen=True, array_like=True, tag="c"):
    """The time, the sources known to be deaf, and the hashes of the rule sets in force, the newest last.

    The newest counts; collect filters by all. `silent`: why the deaf are, and who lags.
    """

    now: int
    deaf: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    silent: tuple[Silent, ...] = ()


class Canary(Struct, frozen=True, array_like=True, tag="canary"):
    """A sign of life of minute `minute` (its second): written by collect into every `[mentions]` partition, handed on by
    the partition `partition` of a stage only when it has done its work up to there.
    """

    minute: int
    partition: int = 0


Counted = tuple[int, int, str]
"""(keyed hash, summed count, what it is) of a term, whose word is sealed (`sealed`), since a word may be a name; of a link only
its hash is carried, since addresses hold handles.
"""

Carrier = tuple[int, int, str]
"""(followers, author hash, source)."""


class Sample(Struct, frozen=True, array_like=True, order=True, gc=False):
    """A mention (never an echo) drawn by the lowest hash: a uniform sample that merges. Ties go by the whole record."""

    key: int
    story: int
    author: int
    source: str
    link: int
    terms: tuple[str, ...]
    second: int


class Partial(Struct, frozen=True, array_like=True):
    """What one match worker counted for one topic, event second and clock: a commutative monoid of integers.

    `reach_milli` and `negative_milli` are thousandths. `by_source`: (source, mentions, echo), sorted.
    `authors`, `echo_authors`, `care_authors`: the 256 lowest keyed hashes, sorted. `carriers`: the 32 greatest by
    (followers, hash). `links`, `terms`: the 32 lowest hashes with summed counts. `samples`: the 32 lowest.
    `care` counts mentions of care and internal sources, which are in no other field but `care_authors`.
    `press`: articles of press sources, `press_ms` the earliest one's time (0: none), `press_seen_ms` when we saw that one:
    what it was published at is its own word, so the truth lies between the two.
    """

    topic: str
    second: int
    known_at: int
    mentions: int = 0
    echo: int = 0
    reach_milli: int = 0
    negative_milli: int = 0
    care: int = 0
    press: int = 0
    press_ms: int = 0
    by_source: tuple[tuple[str, int, int], ...] = ()
    authors: tuple[int, ...] = ()
    echo_authors: tuple[int, ...] = ()
    care_authors: tuple[int, ...] = ()
    links: tuple[Counted, ...] = ()
    terms: tuple[Counted, ...] = ()
    samples: tuple[Sample, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    press_seen_ms: int = 0


class Signals(Struct, frozen=True, array_like=True, tag="s"):
    """One step of one match partition for one `[signals]` partition: the clocks it passed, and its partials.

    Every `[signals]` partition gets the clocks of every step, whether or not it gets partials.
    """

    partition: int
    clocks: tuple[Clock, ...] = ()
    partials: tuple[Partial, ...] = ()


class Evidence(Struct, frozen=True):
    """A mention worth showing on the incident page; kept 30 days. `key` names it everywhere else."""

    key: int
    topic: str
    brand: str
    source: str
    kind: str
    text: str
    url: str
    created_ms: int
    author: int
    followers: int
    role: str
    echo: bool
    id: str


class DeadLetter(Struct, frozen=True):
    """What could not be read: where it was, why it was refused, and the first 4 kB of it. Kept 7 days."""

    where: str
    reason: str
    message: str
    at: int
    payload: bytes
