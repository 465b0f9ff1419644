"""The connector port: one file per place in the world.

A connector reads and yields; retries, cursors, hashing, filtering and metrics belong to the supervisor around it.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple, NewType, Protocol, runtime_checkable

from warn.model.mention import Item, Reading

Cursor = NewType("Cursor", str)


class Refused(NamedTuple):
    """A piece of input that could not be read: where it stood, why, and its first 4 kB."""

    where: str
    message: str
    payload: bytes


class Gap(NamedTuple):
    """A time that the source cannot give us any more (seconds)."""

    start: int
    end: int


class Trouble(NamedTuple):
    """One of several places that a connector reads does not answer as it should (one feed of many).

    `where` names the place for those who set it up; `message` is "" when it is well again.
    """

    where: str
    message: str


class Hint(NamedTuple):
    """Something that whoever set up a place may wish to know; nothing is wrong there. "" takes back what was said."""

    where: str
    message: str


class Departure(NamedTuple):
    """An account that is gone from its source with all that it wrote. `author` as items have it."""

    source: str
    author: str


class Batch(NamedTuple):
    """What was read, and where to resume once all of it is on the bus."""

    items: tuple[Item, ...] = ()
    cursor: Cursor | None = None
    readings: tuple[Reading, ...] = ()
    refused: tuple[Refused, ...] = ()
    gaps: tuple[Gap, ...] = ()
    backfill: bool = False
    troubles: tuple[Trouble, ...] = ()
    spent: float = 0.0
    """What reading this has cost, in the currency of the connector's `spend`."""
    hints: tuple[Hint, ...] = ()
    exact: bool = False
    """Reading on from `cursor` gives what follows it and nothing else: of these items nothing need be remembered. For
    streams that number what they send, in batches of at most 1,000.
    """
    departed: tuple[Departure, ...] = ()
    """Read after the items. Told again, it does no harm."""

    @property
    def answers(self) -> bool:
        """Whether it shows that the source answers: one with nothing but places that do not is no sign of life."""
        ill = any(one.message for one in self.troubles)
        return not ill or bool(self.items or self.readings or self.refused or self.departed)


@runtime_checkable
class Connector(Protocol):
    """Reads one place in the world."""

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str:
        """What its mentions carry as `source`."""

    def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Yields from behind `cursor`, or a little before it, until closed, cancelled or at its end.

        What was read before is skipped by the supervisor, so a poller may yield its whole page each time. Whoever has
        looked and found nothing yields an empty batch: it says that the source answers. A cursor says that everything
        up to it was yielded. Raises TemporaryError or PermanentError, whose messages quote nothing
        that was read and no secret.
        """


@runtime_checkable
class Once(Protocol):
    """A connector of what can be read a single time: whoever looks at it takes it away from the daemon."""

    @property
    def once(self) -> str:
        """What that is, in words; "" where it is not so after all."""


class Call(NamedTuple):
    """One request that somebody else sent us. `headers` by lower-case name; `at`: seconds of our own clock; `peer`: the
    address that the connection came from.
    """

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    peer: str = ""


class Reply(NamedTuple):
    """What we answer, once all of `batch` is on the bus. `once`: what the sender calls this delivery by; it is taken once."""

    batch: Batch = Batch()
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    once: str = ""
    why: str = ""
    """Of a refusal: why, for our own log; quotes nothing."""


@runtime_checkable
class Inbound(Protocol):
    """A place in the world that sends to us. It is not asked, so it has no cursor; it decides, and waits for nothing."""

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str:
        """What its mentions carry as `source`."""

    def receive(self, call: Call) -> Reply:
        """What this request says, if it is genuine, and what it is answered. Raises nothing for whatever comes in."""
