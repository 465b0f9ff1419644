"""The data folder of the embedded bus: its lock, its file, and the checks before anybody writes.

One process owns a folder. SQLite in WAL mode would let two write in turn, but positions, epochs and wake-ups live in
the owner's memory, and the SQLite of many distributions has a fault that two writers can meet (fixed in 3.51.3). So a
lock file that the operating system frees with the process decides, and a second process is told what to do instead.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from warn.bus.topics import PartitionsError, partition_counts
from warn.model.errors import PermanentError, Reason

FORMAT: Final = 1
"""Of the file (`user_version`). It grows when tables change; a file of a later format is left alone."""

CHECK_S: Final = 3.0
"""A file that takes longer to check is taken as it is: what is damaged further on is found when it is read, and a
restart must not take minutes. (630 MB from the page cache: 1.2 s.)"""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_SCHEMA: Final = """
CREATE TABLE topics (number INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL) STRICT;
CREATE TABLE log (place INTEGER PRIMARY KEY, at INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE trimmed (shelf INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT;
CREATE TABLE seats (
    seat INTEGER PRIMARY KEY, stage TEXT NOT NULL, partition INTEGER NOT NULL, epoch INTEGER NOT NULL,
    committed INTEGER NOT NULL, UNIQUE (stage, partition)
) STRICT;
CREATE TABLE state (
    seat INTEGER NOT NULL REFERENCES seats, key BLOB NOT NULL, position INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (seat, key)
) STRICT;
"""

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs"}
)


class BusFolderError(PermanentError):
    """A data folder that cannot be used as it is; the message says which and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=Reason.CONFIG)


class Opened(NamedTuple):
    """A folder that is ours. `set_aside`: where a damaged file was moved to, None where there was none."""

    path: Path
    lock: int
    db: sqlite3.Connection
    topics: Mapping[str, tuple[int, int]]
    """Topic to (number, partitions)."""
    set_aside: Path | None


def open_folder(folder: Path, *, durable: bool, partitions: Mapping[str, int]) -> Opened:
    """Lock the folder, open or make its file, check it. Raises `BusFolderError`, `PartitionsError`."""
    asked = partition_counts(partitions)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if durable and (kind := _file_system(folder)) in _NETWORK:
        raise BusFolderError(
            f"{folder} lies on {kind}: a lock and a sync mean nothing there; use a local disk"
        )
    lock = _lock(folder)
    try:
        path = folder / "bus.db"
        aside = _check(path)
        db = _connect(path, durable=durable)
        try:
            topics = _schema(db, folder, asked, partitions)
        except BaseException:
            db.close()
            raise
    except BaseException:
        os.close(lock)
        raise
    return Opened(path, lock, db, topics, aside)


def read_only(path: Path) -> sqlite3.Connection:
    """A connection for readers: it cannot write, whatever it is asked."""
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    db.execute("PRAGMA query_only = ON")
    db.execute("PRAGMA busy_timeout = 5000")
    return db


def _lock(folder: Path) -> int:
    lock = os.open(folder / "bus.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise BusFolderError(
            f"the data folder {folder} is in use by process {holder}: "
            "stop that one first, or give this one a data folder of its own"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _check(path: Path) -> Path | None:
    """Look a file over before it is trusted; a damaged one is set aside, so that warn can hear again at once."""
    if not path.exists():
        return None
    db = sqlite3.connect(path, isolation_level=None)
    until = time.monotonic() + CHECK_S
    db.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        sound = db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError as e:
        sound = e.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT
        if not sound and e.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise BusFolderError(f"{path} cannot be opened: {e}") from e
    finally:
        db.close()
    if sound:
        return None
    aside = path.with_name(time.strftime("bus.damaged-%Y%m%dT%H%M%SZ.db", time.gmtime()))
    for end in ("", "-wal", "-shm"):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(aside.with_name(aside.name + end))
    return aside


def _connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    # The writer thread uses it; the many forms of a multi-row INSERT stay prepared.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=600)
    path.chmod(0o600)
    for pragma in (
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        f"synchronous = {'FULL' if durable else 'OFF'}",
        "fullfsync = ON",
        "busy_timeout = 5000",
        "wal_autocheckpoint = 1000",
        "journal_size_limit = 67108864",
        "mmap_size = 0",
        "trusted_schema = OFF",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        db.execute(f"PRAGMA {pragma}")
    return db


def _schema(
    db: sqlite3.Connection, folder: Path, counts: Mapping[str, int], asked: Mapping[str, int]
) -> Mapping[str, tuple[int, int]]:
    """Make the tables, or hold those that are there against what is asked."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise BusFolderError(
            f"{folder} was written by a later release of warn (format {version}, this one writes {FORMAT}): "
            "run that release, or give this one a data folder of its own"
        )
    db.execute("BEGIN IMMEDIATE")
    if version == 0:
        for statement in _SCHEMA.split(";")[:-1]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {FORMAT}")
    held = {
        topic: (number, n) for number, topic, n in db.execute("SELECT number, topic, partitions FROM topics")
    }
    for topic, count in asked.items():
        if topic in held and held[topic][1] != count:
            db.execute("ROLLBACK")
            raise PartitionsError(
                f"{folder} was made with {held[topic][1]} partitions of [{topic}], and {count} are asked for: "
                f"set it to {held[topic][1]}, or start with a new data folder"
            )
    for topic, count in counts.items():
        if topic not in held:
            row = db.execute("INSERT INTO topics (topic, partitions) VALUES (?, ?)", (topic, count))
            held[topic] = (row.lastrowid or 0, count)
    db.execute("COMMIT")
    return held


def _file_system(folder: Path) -> str:
    """The kind of file system a folder lies on, as Linux tells it; empty elsewhere."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    here, best, kind = folder.resolve(), Path("/"), ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, name = line.split(" ", 3)[:3]
        mount = Path(point.replace("\\040", " "))
        if here.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, name
    return kind
