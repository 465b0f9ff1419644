"""The same work on bytewax: decode, match by the same matcher, count per topic and second.

It writes nothing, keeps no memory of posts, no samples and no terms, and without recovery it saves nothing: what is
compared is throughput, and bytewax does less. Its own Kafka source (librdkafka) reads JSON records, or warn's parcels.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from benchmarks.kafka.cases import JSON_TOPIC
from benchmarks.kafka.child import Flat, Spec, Took, decode_json
from warn.match.matcher import Matcher
from warn.model.hashing import PUBLIC_KEY
from warn.model.mention import Mention
from warn.model.records import Parcel
from warn.model.wire import decode_mentions, decode_ruleset

THERE: Final = find_spec("bytewax") is not None
EPOCH: Final = timedelta(seconds=1)
"""Between two savings of its state, where it has recovery; warn commits ten times a second."""


def run(spec: Spec) -> Took:
    """Through the whole Kafka topic, to its end."""
    recovery_of: Any = import_module("bytewax.recovery")
    run_main: Any = import_module("bytewax.testing").run_main

    matcher = Matcher(decode_ruleset(Path(spec["rules"]).read_bytes()), PUBLIC_KEY)
    out: list[Any] = []
    flow = _flow(spec, matcher, out)
    with tempfile.TemporaryDirectory(prefix="warn-bench-") as folder:
        recovery: dict[str, Any] = {}
        if spec["recovery"]:
            recovery_of.init_db_dir(Path(folder), 1)
            recovery = {"recovery_config": recovery_of.RecoveryConfig(folder), "epoch_interval": EPOCH}
        cpu, wall = time.process_time(), time.monotonic()
        run_main(flow, **recovery)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    # A Kafka topic of warn's holds each record several times.
    mentions = spec["mentions"] * (spec["copies"] if spec["parcels"] else 1)
    return {"mentions": mentions, "cpu_s": cpu, "wall_s": wall, "windows": len(out)}


def _flow(spec: Spec, matcher: Matcher, out: list[Any]) -> Any:
    from bytewax import operators as op
    from bytewax.connectors.kafka import KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.operators.windowing import EventClock, TumblingWindower, count_window
    from bytewax.testing import TestingSink

    topic = f"{spec['prefix']}.mentions" if spec["parcels"] else JSON_TOPIC
    flow = Dataflow("peer")
    source: Any = KafkaSource([spec["bootstrap"]], [topic], tail=False, batch_size=1000)
    records: Any = op.input("in", flow, source)

    def matched(batch: list[Any]) -> Iterator[tuple[str, datetime]]:
        return _matched(matcher, [record.value for record in batch], parcels=spec["parcels"])

    found: Any = op.flat_map_batch("match", records, matched)
    windows: Any = count_window(
        "count",
        found,
        EventClock(lambda one: one[1], wait_for_system_duration=timedelta(0)),
        TumblingWindower(length=timedelta(seconds=1), align_to=datetime(2026, 1, 1, tzinfo=UTC)),
        lambda one: one[0],
    )
    op.output("out", windows.down, TestingSink(out))
    return flow


def _matched(matcher: Matcher, values: list[bytes], *, parcels: bool) -> Iterator[tuple[str, datetime]]:
    mentions: Sequence[Flat | Mention]
    if parcels:
        read = [decode_mentions(value) for value in values]
        mentions = [one for parcel in read if isinstance(parcel, Parcel) for one in parcel.mentions]
    else:
        mentions = [decode_json(value) for value in values]
    for one, hit in zip(mentions, matcher.match_all([one.text for one in mentions]), strict=True):
        for topic in hit.topics:
            yield matcher.topics[topic].name, datetime.fromtimestamp(one.created_ms / 1000, UTC)
