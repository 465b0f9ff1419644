"""The same work on bytewax: decode, match by the same matcher, count per topic and second. It commits nothing, keeps no
memory of posts, no samples and no terms: what is compared is throughput, and bytewax does less.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any, Final

from benchmarks.kafka.cases import JSON_TOPIC
from benchmarks.kafka.child import Flat, Took, compiled, decode_json
from warn.match.matcher import Matcher
from warn.model.mention import Mention
from warn.model.records import Parcel
from warn.model.wire import decode_mentions

THERE: Final = find_spec("bytewax") is not None


def run(spec: dict[str, Any]) -> Took:
    """Through the whole Kafka topic with bytewax's own Kafka source."""
    from bytewax import operators as op
    from bytewax.connectors.kafka import KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.operators.windowing import EventClock, TumblingWindower, count_window
    from bytewax.testing import TestingSink, run_main

    _, matcher = compiled(spec["rules"])
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
    out: list[Any] = []
    op.output("out", windows.down, TestingSink(out))
    cpu, wall = time.process_time(), time.monotonic()
    run_main(flow)
    # A Kafka topic of warn's holds each record once for each round.
    mentions = spec["mentions"] * (spec["rounds"] if spec["parcels"] else 1)
    return {
        "mentions": mentions,
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.monotonic() - wall,
        "windows": len(out),
    }


def _matched(matcher: Matcher, values: list[bytes], *, parcels: bool) -> Iterator[tuple[str, datetime]]:
    mentions: list[Flat] | list[Mention]
    if parcels:
        read = [decode_mentions(value) for value in values]
        mentions = [one for parcel in read if isinstance(parcel, Parcel) for one in parcel.mentions]
    else:
        mentions = [decode_json(value) for value in values]
    for one, hit in zip(mentions, matcher.match_all([one.text for one in mentions]), strict=True):
        for topic in hit.topics:
            yield matcher.topics[topic].name, datetime.fromtimestamp(one.created_ms / 1000, UTC)
