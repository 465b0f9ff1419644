"""The engine that a daemon runs on, opened from its settings: embedded in the data folder, or a Kafka cluster.

Which seats are this process's comes with it: on the embedded bus all, on Kafka those that its group gives it, and those
that a person has named (`--partitions`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from warn.app.common_key import agree
from warn.app.kafka import kafka_config
from warn.app.pipeline import Pace
from warn.app.progress import Decided
from warn.app.watching import MemberHealth
from warn.bus.base import Bus, Ownership
from warn.bus.embedded import EmbeddedBus
from warn.bus.ownership import Besides, Fixed
from warn.bus.topics import PartitionsError
from warn.model.errors import PermanentError, Reason
from warn.model.flow import COLLECT, DETECT, MATCH, MENTIONS, RESPOND, SIGNALS
from warn.settings import Settings
from warn.web.health import Health
from warn.worker import STEP_S

if TYPE_CHECKING:
    from warn.bus.kafka import KafkaBus

WORK: Final = (COLLECT, MATCH, DETECT, RESPOND)
"""What has seats, in the order in which work flows."""
KAFKA_STEP_S: Final = 6.0

Named = Mapping[str, Sequence[int]]
"""Seats that a person has named, by stage."""


KAFKA_PACE: Final = {MATCH: Pace(0.1), DETECT: Pace(1.0, at_once=True), RESPOND: Pace(1.0, at_once=True)}
"""A commit costs brokers milliseconds however little is in it: match's are ten a second, the others' follow the clock."""


def _ignored(_stage: str, _partition: int) -> None:
    """Where seats are nobody else's, or named, there is nobody to ask about them."""


@dataclass(frozen=True)
class Engine:
    """An open bus, and what this process is to do on it. `keeps`: the folder that it writes to, where it has one.

    `fenced` is told when a seat that is ours was taken from us; `stuck`: nothing but a new process gets rid of what
    the engine's clients have left behind. `decided`: where it may differ from the end, up to where a topic's partition can
    be read.
    """

    bus: Bus
    ownership: Ownership
    _: KW_ONLY
    name: str = "embedded"
    keeps: Path | None = None
    step_s: float = STEP_S
    paces: Mapping[str, Pace] = field(default_factory=dict)
    fenced: Callable[[str, int], None] = _ignored
    decided: Decided | None = None
    stuck: Callable[[], bool] = lambda: False


def whole(bus: Bus, folder: Path) -> Engine:
    """Every seat of an engine that no other process uses."""
    return Engine(bus, Fixed.all({stage: bus.seats(stage) for stage in WORK}), keeps=folder)


def opened(engine: Engine) -> Callable[[Health], Awaitable[Engine]]:
    """For a daemon whose engine is open already."""

    async def give(_: Health) -> Engine:
        return engine

    return give


async def embedded(settings: Settings) -> EmbeddedBus:
    """The bus in the data folder. Raises `WarnError` where it is another process's, or was made otherwise."""
    try:
        return await EmbeddedBus.start(
            settings.data,
            partitions={MENTIONS: settings.bus.mentions, SIGNALS: settings.bus.signals},
            max_bytes=int(settings.bus.max_gb * 2**30),
        )
    except PartitionsError as e:
        raise PermanentError(str(e), reason=Reason.CONFIG) from None


async def on_kafka(
    settings: Settings, stages: Sequence[str], named: Named, key: bytes, health: Health, stack: AsyncExitStack
) -> Engine:
    """A cluster, and a share of its seats; closed by `stack`. `key`: what this process hashes with.

    Raises `TemporaryError` where no broker can be reached, `PermanentError` for what a person has to mend.
    """
    # Here, not above: who does not use Kafka need not wait for its client.
    from warn.bus.kafka import KafkaBus

    async with AsyncExitStack() as opened_here:
        bus = await KafkaBus.start(kafka_config(settings))
        opened_here.push_async_callback(bus.close)
        await agree(bus, key)
        engine = _share(bus, stages, named, MemberHealth(health))
        stack.push_async_exit(opened_here.pop_all())
    return engine


def _share(bus: "KafkaBus", stages: Sequence[str], named: Named, told: MemberHealth) -> Engine:
    """The seats of a cluster that are this process's. Raises `PermanentError` where one that is named is not there."""
    from warn.bus.kafka import Membership

    seats = [(stage, partition) for stage, partitions in named.items() for partition in partitions]
    for stage, partition in seats:
        if partition >= bus.seats(stage):
            raise PermanentError(
                f"--partitions {stage}:{partition}: there are {bus.seats(stage)}, numbered from 0",
                reason=Reason.CONFIG,
            )
    shared = [stage for stage in WORK if stage in stages and stage not in named]
    membership = Membership(bus.cluster.clients, shared, told) if shared else None
    return Engine(
        bus,
        Fixed(seats) if membership is None else Besides(membership, seats) if seats else membership,
        name="kafka",
        step_s=KAFKA_STEP_S,
        paces=KAFKA_PACE,
        fenced=_ignored if membership is None else membership.doubt,
        stuck=lambda: bus.stuck,
        decided=bus.decided,
    )
