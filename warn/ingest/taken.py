"""What became of a batch, told: in the status of whoever brought it, in metrics and in the log."""

from typing import Final

from warn.ingest.ledger import Intake, Taken
from warn.ingest.status import Status
from warn.telemetry import events

DROPS: Final = {"dropped": "unmatched", "skipped": "read_before", "refused": "refused"}
"""What did not pass, and the word that telemetry has for it."""


def tell(status: Status, intake: Intake, taken: Taken, now: float) -> None:
    """A batch is on the bus."""
    name, counts = intake.connector, taken.counts
    for what in status.counts:
        status.counts[what] += counts[what]
    if taken.newest_ms:
        status.last_event = int(now)
        status.brought({item.source for item in intake.batch.items}, int(now))
        if not (intake.terms.fills or intake.terms.backfill):
            status.lag.note(int(now), now - taken.newest_ms / 1000)
    for where, message in intake.batch.troubles:
        status.trouble(where, message)
    for where, message in intake.batch.hints:
        status.hint(where, message)
    for gap in intake.batch.gaps:
        status.gap(gap.start, gap.end)
        events.connector_gap(name, gap.start, gap.end)
    if counts["departed"] or counts["departed_ours"]:
        events.accounts_departed(name, counts["departed"], ours=counts["departed_ours"])
    if intake.batch.answers:
        status.heard()
    last = taken.newest_ms / 1000 if taken.newest_ms else None
    events.connector_batch(
        name, items=counts["read"], published=counts["let_through"], now=now, last_event_s=last
    )
    for what, reason in DROPS.items():
        if counts[what]:
            events.door_dropped(name, reason, counts[what])
