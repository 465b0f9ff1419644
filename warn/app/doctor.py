"""`warn doctor`: everything that has to be right before warn can hear, count and page, looked at one by one.

It never hangs: each step has a deadline of its own, and all of Kafka together `LIMIT_S`.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from warn.app.kafka import kafka_config
from warn.app.listening import listen
from warn.app.machine import look, look_at_port
from warn.app.symptom import State, Symptom, note, well, wrong
from warn.model.errors import PermanentError, WarnError
from warn.model.flow import MENTIONS
from warn.model.records import Clock
from warn.model.wire import UnknownKindError, UnreadableError, decode_mentions
from warn.settings import Settings

if TYPE_CHECKING:
    from warn.bus.kafka.admin import Inspection
    from warn.bus.kafka.compare import Finding
    from warn.bus.kafka.config import KafkaConfig

LISTEN_S: Final = 10.0
"""To the connectors, all side by side, as `warn connectors check` does: less would call what is only slow silent."""
LIMIT_S: Final = 45.0
"""All questions to Kafka together."""
SKEW_S: Final = 2.0
STILL_S: Final = 10.0
"""A time is written each second; ten without one are a take-over that takes long, or nobody."""
_LAST_RECORDS: Final = 200
_READ_S: Final = 2.0


async def examine(settings: Settings, warnings: Sequence[str] = ()) -> Sequence[Symptom]:
    """All that was looked at, in the order in which people mend it. `warnings`: settings that have no effect."""
    found = [note("settings", warning) for warning in warnings]
    found += await asyncio.to_thread(look, settings)
    found += await _listened(settings)
    found.append(await look_at_port(settings))
    if settings.bus.kafka is None:
        return [*found, well("bus", "embedded, in the data folder")]
    try:
        async with asyncio.timeout(LIMIT_S):
            return [*found, *await _kafka(kafka_config(settings))]
    except TimeoutError:
        what = f"the brokers have not answered everything within {LIMIT_S:g} s"
        return [*found, wrong("kafka", what, "see their logs, and the network between")]


async def _listened(settings: Settings) -> list[Symptom]:
    """Each connector, listened to for a moment."""
    found = []
    for one in await listen(settings, (), LISTEN_S):
        if one.well:
            found.append(well("connectors", f"{one.name}: {one}"))
        else:
            found.append(wrong("connectors", f"{one.name}: {one.error}", one.remedy or "see its settings"))
    return found


async def _kafka(config: "KafkaConfig") -> Sequence[Symptom]:
    from warn.bus.kafka.admin import bootstrap, inspect
    from warn.bus.kafka.permissions import lacking
    from warn.bus.kafka.probe import ReachErrors

    found, reached = await _bootstrap(config)
    if not reached:
        return found
    try:
        node = await bootstrap(config)
        try:
            lack = await lacking(node, config)
        finally:
            await node.close()
        found += [wrong("kafka", f.what, f.do) for f in lack] or [
            well("kafka", "we may do all that warn needs")
        ]
        seen = await inspect(config)
        found += _inspected(seen)
        return found if seen.refusals or lack else [*found, about_time(await last_clock(config), time.time())]
    except ReachErrors as e:
        return [*found, wrong("kafka", f"{e.trouble.where} {e.trouble.what}", e.trouble.do)]
    except WarnError as e:
        return [*found, wrong("kafka", str(e), "see the brokers' logs of this minute")]


async def _bootstrap(config: "KafkaConfig") -> tuple[list[Symptom], bool]:
    """Every address of the settings: one would do to begin with, and that may be the one that is down tomorrow."""
    from warn.bus.kafka.probe import Address

    try:
        addresses = [Address.parse(text) for text in config.bootstrap]
    except ValueError as e:
        return [wrong("kafka", f"bus.kafka.bootstrap: {e}", "give host:port")], False
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_reach(address, config)) for address in addresses]
    found = [one.result() for one in asked]
    return found, any(one.state is State.WELL for one in found)


async def _reach(address: object, config: "KafkaConfig") -> Symptom:
    from warn.bus.kafka.probe import Address, ReachErrors, reach
    from warn.bus.kafka.release import release

    assert isinstance(address, Address)
    try:
        node = await reach(address, config)
    except ReachErrors as e:
        return wrong("kafka", f"{e.trouble.where} {e.trouble.what}", e.trouble.do)
    except PermanentError as e:  # a file that cannot be read, before anything is asked
        return wrong("kafka", str(e), "mend bus.kafka.security in the settings")
    await node.close()
    security = config.security
    how = ["TLS" if security.tls else "not encrypted"]
    how += [f"signed in as {security.username!r} by {security.mechanism}"] if security.sasl else []
    level = node.features.supported.get("metadata.version")
    return well("kafka", f"{address} answers: Kafka {release(level)}, {', '.join(how)}")


def _inspected(seen: "Inspection") -> list[Symptom]:
    found: list[Symptom] = []
    for broker in seen.brokers:
        if broker.trouble:
            what = f"the cluster sends clients on to broker {broker.node}, and {broker.trouble}"
            found.append(wrong("kafka", what, "until then a third or more of the partitions may stand still"))
    found += [_finding(f, seen) for f in seen.findings if f.what != "could not be asked"]
    right = [name for name in seen.topics if not any(f.place == name for f in seen.findings)]
    if right:
        found.append(well("topics", f"{len(right)} of {len(seen.topics)} are as warn needs them"))
    return found


def _finding(finding: "Finding", seen: "Inspection") -> Symptom:
    name = "topics" if finding.place in seen.topics else "kafka"
    what = f"{finding.place}: {finding.what}"
    make = wrong if finding.refuses(seen.config) else note
    return make(name, what, finding.do)


async def last_clock(config: "KafkaConfig") -> int | None:
    """The last time that collect has written, to the first partition of `[mentions]`; None where there is none.

    Raises what starting the bus raises.
    """
    from warn.bus.kafka import KafkaBus

    bus = await KafkaBus.start(config)
    try:
        ends = {p: await bus.end(MENTIONS, p) for p in range(bus.partitions(MENTIONS))}
        reader = await bus.follow(MENTIONS, ends | {0: max(0, ends[0] - _LAST_RECORDS)})
        clocks: list[int] = []
        while records := await reader.read(_LAST_RECORDS, _READ_S):
            clocks += [c.now for _, _, _, value in records if (c := _clock(value))]
            if any(partition == 0 and position >= ends[0] - 1 for partition, position, _, _ in records):
                break
        await reader.close()
        return max(clocks, default=None)
    finally:
        await bus.close()


def _clock(value: bytes) -> Clock | None:
    with suppress(UnreadableError, UnknownKindError):
        record = decode_mentions(value)
        return record if isinstance(record, Clock) else None
    return None


def about_time(clock: int | None, now: float) -> Symptom:
    """What the last time that collect has written says about this machine's, and about collect."""
    if clock is None:
        return note(
            "time", "none has been written yet", "run collect: without its time no stage judges anything"
        )
    ahead = clock - now
    if ahead > SKEW_S:
        what = f"this machine's clock is {ahead:.0f} s behind that of the machine which runs collect"
        return wrong("time", what, "set both by NTP; until then no collect of this machine's writes any time")
    if -ahead > STILL_S:
        what = f"the last was written {-ahead:,.0f} s ago"
        return note("time", what, "run collect, or see why it stands still; or set this machine's clock")
    return well("time", "collect writes it, and this machine's clock agrees")
