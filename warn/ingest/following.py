"""Reading on in a file that grows: whole lines from where one was, through rotation, truncation and replacement.

A file is known by its inode and a hash of its beginning, so that a new file in its place is not taken for it, nor an old
one under a new name for a stranger. Reads block: call from a thread.
"""

import errno
import gzip
import os
import stat
import zlib
from hashlib import blake2b
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import msgspec

from warn.ingest.connector import Refused
from warn.ingest.lines import Line
from warn.ingest.recording import MAX_LINE

MOST_LINES: Final = 500
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of one part, apart from its last line."""
SETTLED_S: Final = 5.0
"""A file that has not changed for so long is taken to be whole, and its last line to be one without a line break too."""
_HEAD: Final = 256
_PACKED: Final = b"\x1f\x8b"
_DAMAGE: Final = (EOFError, gzip.BadGzipFile, zlib.error)


class Mark(NamedTuple):
    """How far a file was read: `offset` in bytes (unpacked ones where it is compressed), `at` in seconds."""

    inode: int
    offset: int
    at: int
    head: str
    done: bool = False
    """Compressed, and read to its end."""


class Part(NamedTuple):
    """What was read. `more`: there is more to read now."""

    lines: tuple[Line, ...]
    mark: Mark
    more: bool = False
    refused: tuple[Refused, ...] = ()


class Unpacking:
    """A compressed file, open where its last part ended: from its beginning each part would take longer than the last."""

    def __init__(self) -> None:
        self._stream: IO[bytes] | None = None
        self._at = (0, 0)

    def at(self, path: Path, inode: int, offset: int) -> IO[bytes]:
        """The file's unpacked bytes from `offset` on. Raises OSError, and what a damaged file raises."""
        if self._stream is None or self._at != (inode, offset):
            self.close()
            self._stream = cast("IO[bytes]", gzip.open(path, "rb"))  # noqa: SIM115 - closed by `close`
            self._stream.seek(offset)
        self._at = (0, 0)
        return self._stream

    def keep(self, inode: int, offset: int) -> None:
        """It was read up to here."""
        self._at = (inode, offset)

    def close(self) -> None:
        """Let go of it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def read_on(
    path: Path,
    mark: Mark | None,
    *,
    now: float,
    finished: bool = False,
    from_end: bool = False,
    unpacking: Unpacking | None = None,
) -> Part:
    """The next lines. `finished`: nobody writes to it any more. `from_end`: skip what is there. Raises OSError."""
    with _opened(path) as file:
        told = os.fstat(file.fileno())
        packed = file.read(2) == _PACKED
        if mark is not None and not _is_same(file, told, mark, packed=packed):
            mark = None
        settled = finished or now - told.st_mtime > SETTLED_S
        skipped = mark is None and from_end
        if (packed and (skipped or not settled)) or (mark is not None and mark.done):
            # Of one that is being compressed nothing can be read; one that is done has nothing more.
            done = skipped or (mark is not None and mark.done)
            offset = mark.offset if mark is not None else 0
            return Part((), _mark(file, told, offset, now, packed=packed, done=done))
        offset = mark.offset if mark is not None else (_last_break(file, told.st_size) if skipped else 0)
        if packed:
            part = _unpack(path, told.st_ino, offset, now, unpacking or Unpacking())
        else:
            file.seek(offset)
            part = _take(path.name, file, offset, now, settled=settled)
        lines, offset, more, refused = part
        done = packed and not more
        new = _mark(file, told, offset, now, packed=packed, done=done)
        return Part(tuple(lines), new, more, tuple(refused))


def is_still(path: Path, mark: Mark) -> bool:
    """Whether under this name there is still the file of the mark, and not cut off. Raises nothing."""
    try:
        with _opened(path) as file:
            return _is_same(file, os.fstat(file.fileno()), mark, packed=file.read(2) == _PACKED)
    except OSError:
        return False


def find(folder: Path, mark: Mark) -> Path | None:
    """The file of a mark under the name that it has now. Raises nothing."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.inode() == mark.inode and entry.is_file(follow_symlinks=False):
                    path = Path(entry.path)
                    return path if is_still(path, mark) else None
    except OSError:
        return None
    return None


def _opened(path: Path) -> IO[bytes]:
    """Raises OSError also for what is no file: whoever opens a pipe waits for its writer, and no thread can be ended."""
    file = open(path, "rb", opener=_at_once)  # noqa: SIM115 - a path's own has no opener; the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no file")
    return file


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


_Taken = tuple[list[Line], int, bool, list[Refused]]


def _take(name: str, stream: IO[bytes], offset: int, now: float, *, settled: bool) -> _Taken:
    """Lines from here on, where the next one begins, and whether there is one."""
    lines: list[Line] = []
    refused: list[Refused] = []
    begun = offset
    while len(lines) < MOST_LINES and offset - begun < MOST_BYTES:
        try:
            line, length, whole = _line(stream)
        except _DAMAGE:
            refused.append(_damaged(name, offset))
            return lines, offset, False, refused
        if not line:
            return lines, offset, False, refused
        if not whole and not (settled and (length > MAX_LINE or _is_json(line))):
            return lines, offset, False, refused
        where = f"{name} at byte {offset}"
        offset += length
        body = line.removeprefix(b"\xef\xbb\xbf").strip() if begun == 0 else line.strip()
        if length > MAX_LINE + 2:
            refused.append(Refused(where, f"a line of more than {MAX_LINE:,} bytes", b""))
        elif body:
            lines.append(Line(where, body, now))
    return lines, offset, True, refused


def _line(stream: IO[bytes]) -> tuple[bytes, int, bool]:
    """The next line, how long it is, and whether it has ended. Of one that is too long only its beginning."""
    line = rest = stream.readline(MAX_LINE + 2)
    length = len(line)
    while len(rest) == MAX_LINE + 2 and not rest.endswith(b"\n"):
        # Too long to be one: looked through for its end, and not kept.
        rest = stream.readline(MAX_LINE + 2)
        length += len(rest)
    return line, length, rest.endswith(b"\n")


def _unpack(path: Path, inode: int, offset: int, now: float, unpacking: Unpacking) -> _Taken:
    try:
        stream = unpacking.at(path, inode, offset)
    except _DAMAGE:
        return [], offset, False, [_damaged(path.name, offset)]
    taken = _take(path.name, stream, offset, now, settled=True)
    unpacking.keep(inode, taken[1])
    if not taken[2]:
        unpacking.close()
    return taken


def _damaged(name: str, offset: int) -> Refused:
    return Refused(
        f"{name} after byte {offset}, unpacked", "the compressed file is damaged somewhere from here on", b""
    )


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _last_break(file: IO[bytes], size: int) -> int:
    """Behind the last line break, so that no line is begun in its middle; the end where none is near."""
    start = max(0, size - MAX_LINE)
    file.seek(start)
    found = file.read(size - start).rfind(b"\n")
    return size if found < 0 else start + found + 1


def _is_same(file: IO[bytes], told: os.stat_result, mark: Mark, *, packed: bool) -> bool:
    if told.st_ino != mark.inode or (not packed and told.st_size < mark.offset):
        return False
    return _head(file, mark.offset, packed=packed) == mark.head


def _mark(
    file: IO[bytes], told: os.stat_result, offset: int, now: float, *, packed: bool, done: bool
) -> Mark:
    return Mark(told.st_ino, offset, int(now), _head(file, offset, packed=packed), done)


def _head(file: IO[bytes], offset: int, *, packed: bool) -> str:
    file.seek(0)
    beginning = file.read(_HEAD if packed else min(_HEAD, offset))
    return blake2b(beginning, digest_size=8).hexdigest()
