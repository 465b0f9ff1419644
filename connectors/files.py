"""JSON Lines as they are written: files, and folders of them, followed as they grow, are rotated and are cut off."""

import asyncio
import os
import time
from asyncio import to_thread
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from pydantic import BeforeValidator, Field, model_validator

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Gap, Trouble
from warn.ingest.following import Mark, Unpacking, find, is_still, read_on
from warn.ingest.kind import Kind
from warn.ingest.lines import Lines, mapping_of
from warn.ingest.push.mapping import Mapping
from warn.ingest.push.shipped import guarded
from warn.model.errors import PermanentError, Reason, TemporaryError

MAPPINGS: Final = Path(__file__).with_name("mappings")
MOST_FILES: Final = 1_000
Marks = dict[str, Mark]
_GONE: Final = "\N{BULLET}gone "


class FilesConfig(ConnectorConfig):
    """Files that somebody writes."""

    type: Literal["files"] = "files"
    paths: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    """Files, which need not be there yet, and folders, of which all files that fit `names` are read."""
    names: tuple[str, ...] = ("*.jsonl", "*.jsonl.gz", "*.ndjson")
    begin: Literal["start", "end"] = "start"
    """Where the first start begins in what is there already."""
    every: Annotated[float, Field(ge=0.05, le=3_600)] = 1.0
    """Seconds between looks; a look at a file that has not grown costs one `stat` and a few hundred bytes."""
    mapping: Annotated[Mapping | None, BeforeValidator(partial(mapping_of, folder=MAPPINGS))] = None
    """What a line says; without it, a line as `warn replay` reads them."""

    @model_validator(mode="before")
    @classmethod
    def _guarded(cls, raw: object) -> object:
        return guarded(raw, MAPPINGS)


class FilesConnector:
    """The cursor is JSON: of each file its inode, how far it was read, when, and a hash of its beginning. A file may be called
    as somebody is, so it is known there by hashes of its folder and its name.
    """

    def __init__(self, config: FilesConfig) -> None:
        self._config = config
        self._lines = Lines(config, config.mapping)
        self._wrong: dict[str, str] = {}
        self._told: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Raises TemporaryError (config) while none of the paths is there."""
        marks = _marks(cursor, await to_thread(self._places) if cursor else ())
        skip, fresh = cursor is None and self._config.begin == "end", True
        while True:
            quiet = True
            paths = await to_thread(self._paths)
            async with aclosing(self._look(paths, marks, fresh=fresh, skip=skip)) as look:
                async for batch in look:
                    quiet = False
                    yield batch
            troubles = self._troubles()
            if quiet or troubles:
                # At the first start: what is skipped now must not be read after a restart.
                yield Batch(cursor=_cursor(marks) if skip else None, troubles=troubles)
            skip = fresh = False
            await asyncio.sleep(self._config.every)

    async def _look(
        self, paths: Sequence[Path], marks: Marks, *, fresh: bool, skip: bool
    ) -> AsyncGenerator[Batch, None]:
        """Every file once: first what was written to those that have gone elsewhere since."""
        names = {str(path) for path in paths}
        renamed: Marks = {}
        for name in list(marks):
            if await to_thread(is_still, Path(name), marks[name]):
                continue
            found = await to_thread(find, Path(name).parent, marks[name])
            if found is not None and str(found) in names:  # it is read on under its new name
                mark = marks.pop(name)
                if str(found) not in marks or not await to_thread(is_still, found, marks[str(found)]):
                    renamed[str(found)] = mark
                continue
            async with aclosing(self._rest(name, found, marks, fresh=fresh)) as rest:
                async for batch in rest:
                    yield batch
        if renamed:
            marks |= renamed
            yield Batch(cursor=_cursor(marks))
        for path in paths:
            async with aclosing(self._read(path, str(path), marks, skip=skip)) as read:
                async for batch in read:
                    yield batch

    async def _rest(
        self, name: str, found: Path | None, marks: Marks, *, fresh: bool
    ) -> AsyncGenerator[Batch, None]:
        """What was left in a file that is not under its name any more; a gap where that is not to be had."""
        mark = marks[name]
        if found is not None:
            async with aclosing(self._read(found, name, marks, finished=True)) as read:
                async for batch in read:
                    yield batch
            del marks[name]
            yield Batch(cursor=_cursor(marks))
            return
        del marks[name]
        there = await to_thread(Path(name).exists)
        # One that vanishes while we look was read to its end; after a pause, or with another in its place, who knows.
        gaps = (Gap(mark.at, max(mark.at, int(time.time()))),) if there or fresh else ()
        yield Batch(cursor=_cursor(marks), gaps=gaps)

    async def _read(
        self, path: Path, name: str, marks: Marks, *, skip: bool = False, finished: bool = False
    ) -> AsyncGenerator[Batch, None]:
        """What is new in a file, part by part."""
        more = True
        with closing(Unpacking()) as unpacking:
            while more:
                read = partial(read_on, from_end=skip, finished=finished, unpacking=unpacking)
                try:
                    part = await to_thread(read, path, marks.get(name), now=time.time())
                except OSError as e:
                    self._wrong[name] = f"cannot be read: {e.strerror}"
                    return
                marks[name], more = part.mark, part.more
                if part.lines or part.refused:
                    batch = self._lines.batch(part.lines)
                    yield batch._replace(cursor=_cursor(marks), refused=(*part.refused, *batch.refused))

    def _paths(self) -> list[Path]:
        """All files that are there, each once, whatever other names it has."""
        self._wrong.clear()
        found: dict[tuple[int, int], Path] = {}
        for path in (path for one in self._config.paths for path in self._under(Path(one))):
            if (told := _stat(path)) is not None:
                found.setdefault((told.st_dev, told.st_ino), path)
        if len(self._wrong) == len(self._config.paths):
            raise TemporaryError("files: none of `paths` is there", reason=Reason.CONFIG)
        if len(found) > MOST_FILES:
            self._wrong["files"] = f"{len(found):,} files, of which the first {MOST_FILES:,} are read"
        return list(found.values())[:MOST_FILES]

    def _under(self, one: Path) -> list[Path]:
        """The files of a folder, or a file by itself; none, with what is wrong, where it is neither."""
        try:
            if one.is_dir():
                os.scandir(one).close()  # of one that may not be looked into `glob` says nothing
                return sorted({path for of in self._config.names for path in one.glob(of) if path.is_file()})
            if one.is_file():
                return [one]
            self._wrong[str(one)] = "is a pipe or a device, not a file" if one.exists() else "is not there"
        except OSError as e:
            self._wrong[str(one)] = f"cannot be read: {e.strerror}"
        return []

    def _places(self) -> list[Path]:
        """All files that may have been read, and in each folder one that is not there, so that it is known."""
        asked = [Path(one) for one in self._config.paths]
        with suppress(TemporaryError):
            return [*asked, *(one / _GONE for one in asked), *self._paths()]
        return [*asked, *(one / _GONE for one in asked)]

    def _troubles(self) -> tuple[Trouble, ...]:
        """What has changed since it was told."""
        well = [Trouble(where, "") for where in self._told if where not in self._wrong]
        ill = [Trouble(where, what) for where, what in self._wrong.items() if self._told.get(where) != what]
        self._told = dict(self._wrong)
        return (*well, *ill)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _marks(cursor: Cursor | None, places: Sequence[Path]) -> Marks:
    """By path again. One that is not there under its name stands in its folder under a name that no file has."""
    try:
        told = msgspec.json.decode(cursor, type=Marks) if cursor else {}
    except msgspec.MsgspecError:
        raise PermanentError("files: a cursor that is none of its own", reason=Reason.MALFORMED) from None
    names = {_hidden(one): str(one) for one in places}
    folders = {_hash(str(one.parent)): one.parent for one in places}
    found: Marks = {}
    for name, mark in told.items():
        folder = folders.get(name.partition("/")[0])
        lost = (
            name
            if folder is None or name.startswith("/")
            else str(folder / f"{_GONE}{name.partition('/')[2]}")
        )
        found[names.get(name, lost)] = mark
    return found


def _cursor(marks: Marks) -> Cursor:
    told = {
        name.replace(f"{parent}/{_GONE}", f"{_hash(parent)}/") if _GONE in name else _hidden(Path(name)): mark
        for name, mark in marks.items()
        for parent in (str(Path(name).parent),)
    }
    return Cursor(msgspec.json.encode(told).decode())


def _hidden(path: Path) -> str:
    return f"{_hash(str(path.parent))}/{_hash(path.name)}"


def _hash(name: str) -> str:
    return blake2b(os.fsencode(name), digest_size=8).hexdigest()


KIND = Kind(FilesConfig, FilesConnector)
