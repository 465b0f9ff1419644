"""A register in which everything happens: heard, deaf, cut off, late, and read by nobody."""

from msgspec import msgpack

from warn.ingest.ledger import CONNECTOR
from warn.ingest.reports import PREFIX
from warn.ingest.status import ConnectorState
from warn.model.records import Silent
from warn.model.rules import Channel
from warn.web.register import Known, Register

AT = 1_795_000_000
CHANNELS = (
    ("Acme", Channel("bluesky", "webcare", "comms", ("impersonation", "pile-on"), expect_s=600)),
    ("Acme", Channel("care", "service desk", role="care", expect_s=60)),
    ("Beta", Channel("bluesky")),
    ("Acme", Channel("viva", "HR", role="internal")),
)


def known() -> Known:
    found = Known()
    states = [
        ConnectorState(name="bsky", source="bluesky", state="running", since=AT - 9_000, last_event=AT - 5, read=1_204, at=AT),
        ConnectorState(
            name="slack", source="slack", state="parked", since=AT - 1_000, reason="auth", silence="cut",
            silent_since=AT - 1_000, last_error="slack: HTTP 401: make a new token & set it <b>", retry_at=AT + 400,
            last_event=AT - 1_200, read=12, at=AT, troubles=(("#general", "not in channel"),),
            hints=(("desk", "its hub could tell at once"),),
        ),
        ConnectorState(name="calls", source="care", state="running", since=AT - 9_000, last_event=AT - 4_000, read=3, at=AT),
    ]  # fmt: skip
    for state in states:
        found.take(PREFIX + state.name.encode(), msgpack.encode(state))
    gaps = ((AT - 7_200, AT - 6_600),)
    found.take(CONNECTOR + b"bsky", msgpack.encode((1, "cursor", AT - 5, gaps)))
    found.take(CONNECTOR + b"hook", msgpack.encode((1, None, AT - 30, ())))
    silent = (Silent("care", "deaf", AT - 4_000, 60, "", True), Silent("slack", "cut", AT - 1_000, 0, "auth"))
    found.take(b"silent", msgpack.encode(silent))
    found.take(b"status/broken", b"\xc1")
    return found


def register(language: str = "en") -> Register:
    return Register(
        known(),
        channels=lambda: CHANNELS,
        home=lambda: (language, "Europe/Amsterdam"),
        named={"bsky": "bluesky", "slack": "slack", "calls": "care", "hook": "tickets"},
        pushed=["hook"],
    )
