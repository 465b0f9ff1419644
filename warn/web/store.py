"""A throw-away copy of `[incidents]`, `[evidence]` and `[history]` for one web process.

It is rebuilt at every start and bounded in rows, so that it can be lost, copied or thrown away at will. Reads come from
the server's threads and writes from the follower, so one lock guards the one connection.
"""

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import msgpack

from warn.model.alerts import DeliveryEvent, HistoryPoint, IncidentEvent
from warn.model.mention import COUNTS_ONLY
from warn.model.records import Evidence

_SCHEMA: Final = """
CREATE TABLE incident (id TEXT PRIMARY KEY, over INTEGER, last_at INTEGER, body BLOB) WITHOUT ROWID;
CREATE INDEX incident_order ON incident (over, last_at DESC);
CREATE TABLE event (incident TEXT, sequence INTEGER, body BLOB, PRIMARY KEY (incident, sequence)) WITHOUT ROWID;
CREATE TABLE delivery (n INTEGER PRIMARY KEY, incident TEXT, body BLOB, UNIQUE (incident, body));
CREATE TABLE evidence (key BLOB, brand TEXT, created_ms INTEGER, followers INTEGER, body BLOB,
    PRIMARY KEY (key, brand)) WITHOUT ROWID;
CREATE INDEX evidence_time ON evidence (brand, created_ms);
CREATE TABLE history (rule TEXT, minute INTEGER, signal TEXT, body BLOB, PRIMARY KEY (rule, minute, signal))
    WITHOUT ROWID;
"""
_DAY: Final = 86_400


class Limits(NamedTuple):
    """How much is kept; the oldest goes first."""

    incidents: int = 2_000
    deliveries: int = 50_000
    evidence: int = 100_000
    history: int = 500_000
    evidence_s: int = 30 * _DAY
    history_s: int = 70 * _DAY


DEFAULT_LIMITS: Final = Limits()


class Entry(NamedTuple):
    """One line of the list: the incident's newest event, and whether it is over."""

    event: IncidentEvent
    over: bool


_event: Final = msgpack.Decoder(IncidentEvent).decode
_delivery: Final = msgpack.Decoder(DeliveryEvent).decode
_evidence: Final = msgpack.Decoder(Evidence).decode
_point: Final = msgpack.Decoder(HistoryPoint).decode
_encode: Final = msgpack.Encoder().encode


def is_over(event: IncidentEvent) -> bool:
    """Whether an incident whose newest event this is needs nobody any more."""
    return event.event == "resolved" or event.state == "closed"


def _blob(key: int) -> bytes:
    """SQLite's integers are signed; keyed hashes are not."""
    return key.to_bytes(8, "big")


class Store:
    """What the pages read. `path` "" is a private file of SQLite's own, gone when the process is."""

    def __init__(self, path: str = "", limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        # What does not fit into memory lies in a file of SQLite's own: who was erased is not to lie on in it.
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.executescript(_SCHEMA)
        # Python 3.13 warns of a database that is let go of open: it is closed with whoever held the store.
        weakref.finalize(self, self._db.close)

    def close(self) -> None:
        """Throw it away."""
        with self._lock:
            self._db.close()

    # What the follower puts in.

    def put_incidents(self, records: Iterable[IncidentEvent | DeliveryEvent]) -> None:
        """Events and deliveries, in any order; the same one twice changes nothing."""
        with self._lock:
            self._db.execute("BEGIN")
            for r in records:
                if isinstance(r, DeliveryEvent):
                    self._db.execute(
                        "INSERT OR IGNORE INTO delivery(incident, body) VALUES (?, ?)",
                        (r.incident, _encode(r)),
                    )
                    continue
                body = _encode(r)
                self._db.execute(
                    "INSERT OR REPLACE INTO event VALUES (?, ?, ?)", (r.incident, r.sequence, body)
                )
                (newest,) = self._db.execute(
                    "SELECT max(sequence) FROM event WHERE incident = ?", (r.incident,)
                ).fetchone()
                if newest == r.sequence:
                    row = (r.incident, int(is_over(r)), r.at, body)
                    self._db.execute("INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?)", row)
            self._db.execute("COMMIT")

    def put_evidence(self, records: Iterable[Evidence]) -> None:
        """Mentions worth showing. A mention deleted at its source (kind `delete`) goes away for every brand.

        Roles that yield counts only never get here; should one, it is left out.
        """
        with self._lock:
            self._db.execute("BEGIN")
            for r in records:
                if r.kind == "delete":
                    self._db.execute("DELETE FROM evidence WHERE key = ?", (_blob(r.key),))
                elif r.role not in COUNTS_ONLY:
                    row = (_blob(r.key), r.brand, r.created_ms, r.followers, _encode(r))
                    self._db.execute("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?, ?)", row)
            self._db.execute("COMMIT")

    def put_history(self, records: Iterable[HistoryPoint]) -> None:
        """Points of charts."""
        rows = [(r.rule, r.minute, r.signal, _encode(r)) for r in records]
        with self._lock:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def trim(self, now: int) -> None:
        """Forget what is too old at `now` (seconds) or too much."""
        most = self._limits
        with self._lock:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM evidence WHERE created_ms < ?", ((now - most.evidence_s) * 1000,))
            self._db.execute("DELETE FROM history WHERE minute < ?", (now - most.history_s,))
            self._db.execute(
                "DELETE FROM evidence WHERE (key, brand) IN "
                "(SELECT key, brand FROM evidence ORDER BY created_ms DESC LIMIT -1 OFFSET ?)",
                (most.evidence,),
            )
            self._db.execute(
                "DELETE FROM history WHERE minute <= (SELECT minute FROM history ORDER BY minute DESC LIMIT 1 OFFSET ?)",
                (most.history,),
            )
            self._db.execute(
                "DELETE FROM incident WHERE id IN "
                "(SELECT id FROM incident ORDER BY over, last_at DESC LIMIT -1 OFFSET ?)",
                (most.incidents,),
            )
            self._db.execute("DELETE FROM event WHERE incident NOT IN (SELECT id FROM incident)")
            self._db.execute(
                "DELETE FROM delivery WHERE n <= (SELECT max(n) FROM delivery) - ?", (most.deliveries,)
            )
            self._db.execute("COMMIT")

    # What the pages take out.

    def _rows(self, sql: str, *values: object) -> list[tuple[bytes]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def incidents(self, limit: int = 100, *, open_only: bool = False) -> list[Entry]:
        """The newest event of each incident: open ones first, then the latest."""
        where = "WHERE over = 0 " if open_only else ""
        rows = self._rows(f"SELECT body FROM incident {where}ORDER BY over, last_at DESC, id LIMIT ?", limit)  # noqa: S608
        events = [_event(body) for (body,) in rows]
        return [Entry(e, is_over(e)) for e in events]

    def events(self, incident: str) -> list[IncidentEvent]:
        """The whole course of an incident; empty if it is unknown."""
        rows = self._rows("SELECT body FROM event WHERE incident = ? ORDER BY sequence", incident)
        return [_event(body) for (body,) in rows]

    def deliveries(self, incident: str) -> list[DeliveryEvent]:
        """What became of telling people, in the order in which it was written."""
        rows = self._rows("SELECT body FROM delivery WHERE incident = ? ORDER BY n LIMIT 1000", incident)
        return [_delivery(body) for (body,) in rows]

    def evidence(self, brand: str, keys: Sequence[int]) -> list[Evidence]:
        """The mentions of these keys that are here, in the order of the keys; each brand has its own copy."""
        found = (
            self._rows("SELECT body FROM evidence WHERE key = ? AND brand = ?", _blob(key), brand)
            for key in keys
        )
        return [_evidence(body) for rows in found for (body,) in rows]

    def evidence_between(self, brand: str, start: int, end: int, limit: int) -> list[Evidence]:
        """The mentions of a brand from `start` to `end` (seconds), the most followed first."""
        rows = self._rows(
            "SELECT body FROM evidence WHERE brand = ? AND created_ms BETWEEN ? AND ? "
            "ORDER BY followers DESC, created_ms LIMIT ?",
            brand, start * 1000, end * 1000, limit,
        )  # fmt: skip
        return [_evidence(body) for (body,) in rows]

    def history(self, rule: str, start: int, end: int) -> list[HistoryPoint]:
        """The points of a rule from `start` to `end` (seconds), in order of time."""
        rows = self._rows(
            "SELECT body FROM history WHERE rule = ? AND minute BETWEEN ? AND ? ORDER BY minute, signal",
            rule, start, end,
        )  # fmt: skip
        return [_point(body) for (body,) in rows]
