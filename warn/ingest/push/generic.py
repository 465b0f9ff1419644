"""The body of our own: after Standard Webhooks, `{type, timestamp, data}`; `data` is a mention or a reading, or a list.

A mention is written as in a recording (`warn replay`), a reading as `{topic, signal, value, at, interval_s}`; what has a
`value` is a reading. Where `source` is left out it is the connector's, and where `created_at` is left out it is now. A
reading without `at` is of the `timestamp` of the call, so that the same call says the same wherever it comes in, else of now.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from warn.ingest.connector import Batch, Refused
from warn.ingest.entry import RefusedError, check
from warn.ingest.push.mapped import (
    MOST_ELEMENTS,
    MOST_PAYLOADS,
    UNDATED,
    CrowdedError,
    Terms,
    first_of,
    reading,
)
from warn.ingest.push.mapping import hold
from warn.ingest.push.times import Moment, moment
from warn.ingest.push.value import Context, text_of
from warn.ingest.recording import Line, item_of
from warn.model.mention import Item, Reading

_OF_A_READING: Final = frozenset({"source", "topic", "signal", "value", "at", "interval_s"})


def take(body: Any, at: float, terms: Terms) -> Batch:
    """What the body says. Raises CrowdedError, and nothing else whatever the body is."""
    data = body["data"] if isinstance(body, dict) and "data" in body else body
    rows = data if isinstance(data, list) else [data]
    if len(rows) > MOST_ELEMENTS:
        raise CrowdedError(f"more than {MOST_ELEMENTS:,} elements in one call")
    items: list[Item] = []
    readings: list[Reading] = []
    refused: list[Refused] = []
    told_at = body.get("timestamp") if isinstance(body, dict) else None
    for number, row in enumerate(rows):
        where = f"{terms.name} data {number}"
        if not hold(terms.only, Context((body, row), at)):
            refused.append(Refused(where, "not what `only` lets in", b""))
            continue
        try:
            if not isinstance(row, dict):
                raise RefusedError("no object, where a mention or a reading belongs")
            if "value" in row:
                readings.append(_reading(row, told_at, at, terms))
            else:
                items.append(_mention(row, at, terms))
        except RefusedError as e:
            payload = first_of(row) if terms.keeps and len(refused) < MOST_PAYLOADS else b""
            refused.append(Refused(where, str(e), payload))
    return Batch(items=tuple(items), readings=tuple(readings), refused=tuple(refused))


def _mention(row: dict[str, Any], at: float, terms: Terms) -> Item:
    """Raises RefusedError."""
    told = {"source": terms.source, **{key: value for key, value in row.items() if value is not None}}
    for key in ("id", "thread", "reply_to", "reshare_of", "author"):
        if isinstance(told.get(key), int) and not isinstance(told[key], bool):
            told[key] = text_of(told[key])
    if "id" not in told:
        raise RefusedError("id: is missing")
    arrives = "created_at" not in told
    if arrives:
        told["created_at"] = 0
    for key in ("created_at", "seen_at"):
        if key in told:
            found = moment(told[key])
            if found is None:
                raise RefusedError(f"{key}: no time from 1970 to 9999")
            told[key] = found.ms / 1000
    try:
        line = msgspec.convert(told, Line, strict=False)
    except msgspec.ValidationError as e:
        what, _, field = str(e).partition(" - at `$.")
        raise RefusedError(f"{field.rstrip('`')}: {what}" if field else what) from None
    item = item_of(line)
    if arrives:
        item = msgspec.structs.replace(item, created_ms=int(at * 1000), dated_by="seen")
    check(item)
    return item


def _reading(row: Mapping[str, Any], told_at: Any, at: float, terms: Terms) -> Reading:
    """Raises RefusedError."""
    if unknown := sorted(str(key)[:40] for key in row if key not in _OF_A_READING):
        raise RefusedError(
            f"a reading has {', '.join(sorted(_OF_A_READING))}, and {len(unknown)} more are here"
        )
    value, interval = row["value"], row.get("interval_s", 60)
    for name, number in (("value", value), ("interval_s", interval)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < float("inf"):
            raise RefusedError(f"{name}: no number, or one below zero")
    when = _when(row.get("at", told_at), at, terms)
    words = {**terms.settings, "source": terms.source, **{k: v for k, v in row.items() if v is not None}}
    source, topic, signal = (text_of(words.get(key)) for key in ("source", "topic", "signal"))
    if not source or not topic or not signal or max(map(len, (source, topic, signal))) > 200:
        raise RefusedError("source, topic, signal: not there, or longer than 200 characters")
    return reading(source, topic, signal, when.ms, interval, value)


def _when(told: Any, at: float, terms: Terms) -> Moment:
    """Raises RefusedError."""
    if told is None and not terms.undated:
        raise RefusedError(UNDATED)
    when = Moment(int(at * 1000), arrival=True) if told is None else moment(told)
    if when is None:
        raise RefusedError("at: no time from 1970 to 9999")
    return when
