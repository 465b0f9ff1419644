"""Which seats this process is to hold: as Kafka shares them out among the processes that are there.

A consumer of its own subscribes to the topics that stand for the stages' seats. It is paused the moment it is given
anything and never fetches; that it is given partitions is all that it is for. What it says is a hint: when it is wrong,
fencing keeps the books right, and it costs no more than a seat that changes hands for nothing. So nothing is given up
while Kafka is away, and while members are being counted anew everybody goes on with what they had.

What is let go of at once: all, when this process has not turned for as long as a session lasts. It was stopped, and
Kafka has given its seats away.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import NoOffsetForPartitionError

from warn.bus.base import Seats
from warn.bus.kafka.clients import Clients
from warn.bus.kafka.faults import fault
from warn.bus.kafka.sharing import Sharing
from warn.model.errors import Reason, TemporaryError
from warn.model.flow import COLLECT, STAGE_INPUT

TURN_S: Final = 1.0
"""Between two signs of life: a member that does not ask for records is put out after a while, paused or not."""
UNWELL_S: Final = 20.0
"""How long a consumer may be without an assignment, or without a coordinator, before another one is made."""
BACKOFF_S: Final = (0.2, 5.0)
DOUBTS: Final = 3
DOUBT_S: Final = 20.0
"""So many fences in so many seconds: somebody else believes that our seats are his."""
SETTLE_S: Final = 5.0
"""A seat that moves may be taken before we hear that it does."""


class Told(Protocol):
    """Who hears how it stands with the membership."""

    def membership_joining(self) -> None: ...
    def membership_assigned(self, seats: Mapping[str, int]) -> None: ...
    def membership_failed(self, error: BaseException, *, retry_in_s: float) -> None: ...


def topic_of(stage: str) -> str:
    """The topic whose partitions stand for a stage's seats."""
    return f"state.{stage}" if stage == COLLECT else STAGE_INPUT[stage]


class Membership:
    """An `Ownership` by a Kafka group. `stages`: those that this process runs."""

    def __init__(
        self,
        clients: Clients,
        stages: Sequence[str],
        told: Told,
        *,
        now: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._clients = clients
        self._stages = {clients.config.topic(topic_of(stage)): stage for stage in stages}
        self._told = told
        self._now = now
        self._rng = rng or random.Random()
        self._sharing = Sharing()
        self._session_s = clients.config.session_timeout_ms / 1000
        self._seats: Seats = frozenset()
        self._turned = now()
        self._settled = now()
        self._unsettled = True
        self._doubts: deque[float] = deque(maxlen=DOUBTS)
        self._suspicious: float | None = None
        self._rejoin = ""
        self._consumer: Any = None
        self._stopping = asyncio.Event()
        self._news = asyncio.Event()

    @property
    def wanted(self) -> Seats:
        """The seats that are ours, as far as we know."""
        gone = self._stopping.is_set() or self._now() - self._turned > self._session_s
        return frozenset() if gone else self._seats

    async def changed(self, known: Seats, wait_s: float) -> Seats:
        """Until the wanted seats differ from `known`, for at most `wait_s`; those wanted then."""
        try:
            async with asyncio.timeout(wait_s):
                while self.wanted == known:
                    news = self._news
                    await news.wait()
        except TimeoutError:
            pass
        return self.wanted

    def doubt(self, stage: str, partition: int) -> None:
        """A seat was taken from us. Where that goes on though they are ours, and Kafka does not share them out anew, we
        join again: it may be that somebody has them, and nobody has told us.
        """
        now = self._now()
        if (stage, partition) in self.wanted:
            self._doubts.append(now)
            if len(self._doubts) == DOUBTS and now - self._doubts[0] < DOUBT_S and self._suspicious is None:
                self._suspicious = now

    def stop(self) -> None:
        """Leave: the others have our seats within about a second."""
        self._stopping.set()
        self._tell()

    async def run(self) -> None:
        """Be a member until stopped, whatever becomes of the brokers meanwhile."""
        self._told.membership_joining()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_itself())
            group.create_task(self._belong())

    async def _watch_itself(self) -> None:
        """Notice that this process was stopped for so long that somebody else has its seats by now."""
        while not self._stopping.is_set():
            await self._rest(TURN_S)
            now = self._now()
            if now - self._turned > self._session_s:
                self._seats = frozenset()
                # Where Kafka has not noticed, it would go on counting on us.
                self._rejoin = f"this process stood still for {now - self._turned:.0f} s"
                self._tell()
            self._turned = now

    async def _belong(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._take_part()
                failures = 0
            except Exception as e:  # noqa: BLE001 - told; and joined anew, as there is nothing better to do
                low, high = BACKOFF_S
                wait_s = self._rng.uniform(low, min(high, low * 2.0 ** min(failures, 30)))
                failures += 1
                self._told.membership_failed(e, retry_in_s=wait_s)
                await self._rest(wait_s)

    async def _take_part(self) -> None:
        """One consumer, from joining to leaving. Raises what makes another one necessary."""
        clients, doing = self._clients, "joining the other processes"
        consumer = clients.member("owners", clients.config.topic("owners"), self._sharing)
        await clients.start(consumer, doing)
        self._consumer, self._unsettled, self._settled = consumer, True, self._now()
        self._rejoin, self._suspicious = "", None
        try:
            consumer.subscribe(sorted(self._stages), listener=_Listener(self, consumer))
            while not self._stopping.is_set():
                await self._turn(consumer)
        except TemporaryError:
            raise
        except Exception as e:
            raise fault(e, doing) from e
        finally:
            self._consumer = None
            clients.let_go(consumer)  # leaves the group first of all

    async def _turn(self, consumer: Any) -> None:
        """A sign of life, and a look at whether this consumer is still one."""
        # It waits while members are being counted; and until it is told where to read it may complain that it is not.
        with contextlib.suppress(TimeoutError, NoOffsetForPartitionError):
            async with asyncio.timeout(TURN_S):
                await consumer.getmany(timeout_ms=0)
        if self._suspicious is not None and self._now() - self._suspicious > SETTLE_S:
            self._rejoin = "others hold seats that were given to us"
        if self._rejoin:
            raise TemporaryError(self._rejoin, reason=Reason.FENCED)
        if self._unsettled or not _has_coordinator(consumer):
            if self._now() - self._settled > UNWELL_S:
                raise TemporaryError("no answer from the group's coordinator", reason=Reason.TIMEOUT)
        else:
            self._settled = self._now()
        await self._rest(TURN_S)

    def assigned(self, consumer: Any, partitions: Iterable[tuple[str, int]]) -> None:
        """Kafka has shared the seats out anew, and these are ours."""
        if consumer is not self._consumer:
            return  # one that was let go of, and is not gone yet
        self._unsettled, self._settled, self._suspicious = False, self._now(), None
        self._doubts.clear()
        seats = frozenset((self._stages[topic], partition) for topic, partition in partitions)
        self._told.membership_assigned(Counter(stage for stage, _ in seats))
        if seats != self._seats:
            self._seats = seats
            self._tell()

    def revoked(self, consumer: Any) -> None:
        """The members are counted anew; until that is over everybody goes on with what he had."""
        if consumer is self._consumer and not self._unsettled:
            self._unsettled, self._settled = True, self._now()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _rest(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """What aiokafka calls; what it raises is lost in a log, so it only hands on."""

    def __init__(self, membership: Membership, consumer: Any) -> None:
        self._membership = membership
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self._membership.revoked(self._consumer)

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        for one in assigned:
            self._consumer.pause(one)
            self._consumer.seek(
                one, 0
            )  # never read; without it the client would look for a place to read from
        self._membership.assigned(self._consumer, ((one.topic, one.partition) for one in assigned))


def _has_coordinator(consumer: Any) -> bool:
    """Whether the client knows which broker speaks for the group: it may look for one for ever, and says so nowhere."""
    return getattr(getattr(consumer, "_coordinator", None), "coordinator_id", 0) is not None
