"""`warn erase` beside a running daemon, without one, and by who has no business with it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from warn.bus.embedded import EmbeddedBus
from warn.bus.rulesets import config_record
from warn.ingest.door import bare
from warn.model.flow import AUDIT, COLLECT, MENTIONS
from warn.model.hashing import author_hash
from warn.model.mention import Mention
from warn.model.records import Parcel
from warn.model.wire import decode_audit, decode_mentions, encode
from warn.rulefile import check_text
from warn.stages.base import Out

HANDLE, NAME = "zq77handle", "Qvist77 Marker77x"
KEY = "k" * 40
RULES = "version: 1\nbrand: Acme\ntopics: {acme: {any: [Acme]}}\ngroups: [{name: a, rules: [{alert: A, topic: acme}]}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder in which somebody said something."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "acme.yaml").write_text(RULES)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    (tmp_path / "warn.yaml").write_text(f"hash_key: {KEY}\nweb: {{port: {port}}}\n")
    (tmp_path / "warn.yaml").chmod(0o600)
    asyncio.run(_say(tmp_path / "data"))
    return tmp_path


async def _say(data: Path) -> None:
    bus = await EmbeddedBus.start(data, free_needed=0)
    author = author_hash(KEY.encode(), "forum", bare(HANDLE))
    said = [
        Mention("forum", 1, 1, "post", "Acme is on fire", int(time.time() * 1000), author=author, id=HANDLE),
        Mention("forum", 2, 2, "post", f"ask @{HANDLE}, that is {NAME}", int(time.time() * 1000), author=5),
        Mention("forum", 3, 3, "post", "Acme is fine", int(time.time() * 1000), author=6),
    ]
    seat = await bus.open(COLLECT, 0)
    await seat.restore()
    await seat.commit([Out(MENTIONS, 0, b"", encode(Parcel(tuple(said))))], {}, 1)
    await bus.close()


def warn(folder: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warn", *args], cwd=folder, input=stdin, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, check=False,
    )  # fmt: skip


def left_in(folder: Path) -> list[str]:
    marks = (HANDLE.encode(), NAME.encode())
    return [
        p.name
        for p in (folder / "data").rglob("*")
        if p.is_file() and any(m in p.read_bytes() for m in marks)
    ]


@pytest.fixture
def daemon(folder: Path) -> Iterator[str]:
    """A running daemon over that folder; where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "warn", "run"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    port = (folder / "warn.yaml").read_text().partition("port: ")[2].partition("}")[0]
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/-/ready", trust_env=False).status_code == 200:
                break
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(30)


def test_without_a_daemon_it_is_done_here(folder: Path) -> None:
    assert left_in(folder)
    done = warn(
        folder, "erase", "--source", "forum", "--author", "-", "--name", NAME, "--json", stdin=f"@{HANDLE}\n"
    )
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout)
    assert (receipt["posts"], receipt["left_days"]) == (2, {})
    assert HANDLE not in done.stdout + done.stderr
    assert not left_in(folder)
    assert asyncio.run(_erased(folder / "data")) == author_hash(KEY.encode(), "forum", HANDLE)


async def _erased(data: Path) -> int:
    bus = await EmbeddedBus.start(data, free_needed=0)
    reader = await bus.follow(AUDIT)
    records = await reader.read(10, 0.0)
    await reader.close()
    await bus.close()
    (record,) = [decode_audit(value) for _, _, _, value in records]
    return getattr(record, "author", 0)


def test_beside_a_daemon_the_daemon_does_it(folder: Path, daemon: str) -> None:
    done = warn(folder, "erase", "--source", "forum", "--author", HANDLE, "--name", NAME)
    assert done.returncode == 0, done.stderr
    assert "Erased: 2 posts" in done.stdout and "is not taken in" in done.stdout and "Receipt" in done.stdout
    assert not left_in(folder)
    again = warn(folder, "erase", "--source", "forum", "--author", HANDLE)
    assert "Nothing of this author was kept" in again.stderr


def test_who_does_not_hold_the_key_erases_nobody(folder: Path, daemon: str) -> None:
    """Nor does a page in a browser, nor a body that is too large."""
    body = json.dumps({"source": "forum", "author": HANDLE}).encode()
    for headers in ({}, {"warn-signature": "0" * 64}):
        answer = httpx2.post(f"{daemon}/-/erase", content=body, headers=headers, trust_env=False)
        assert answer.status_code == 403 and "not signed" in answer.text
    assert httpx2.post(f"{daemon}/-/erase", content=b"x" * 20_000, trust_env=False).status_code == 413
    assert httpx2.get(f"{daemon}/-/erase", trust_env=False).status_code == 405
    assert left_in(folder)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = warn(tmp_path, "erase", "--source", "forum", "--author", HANDLE)
    assert done.returncode == 1 and "nothing is kept of anybody" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("source", "author"), [("bluesky", "@somebody.example"), ("mastodon", "somebody")])
def test_an_author_that_cannot_be_one_there_is_refused(folder: Path, source: str, author: str) -> None:
    """It would find nothing, and say that all is well."""
    done = warn(folder, "erase", "--source", source, "--author", author)
    assert done.returncode == 1 and "--author" in done.stderr
    assert left_in(folder)


async def _many(data: Path) -> None:
    """A brand whose own words are somebody's handle: 300 posts, of which 40 say `lucky`, and all but one of others."""
    bus = await EmbeddedBus.start(data, free_needed=0)
    ruleset = check_text(RULES).ruleset
    assert ruleset is not None
    now = int(time.time() * 1000)
    author = author_hash(KEY.encode(), "forum", "acme")
    said = [
        Mention("forum", n, n, "post", f"{'lucky' if n % 8 == 0 else 'Acme'} {n}", now, author=author if n == 7 else n)
        for n in range(1, 301)
    ]  # fmt: skip
    seat = await bus.open(COLLECT, 0)
    await seat.restore()
    outs = [config_record(encode(ruleset)), Out(MENTIONS, 0, b"", encode(Parcel(tuple(said))))]
    await seat.commit(outs, {}, 1)
    await bus.close()


async def _texts(data: Path) -> int:
    bus = await EmbeddedBus.start(data, free_needed=0)
    reader = await bus.follow(MENTIONS)
    found = 0
    for _, _, _, value in await reader.read(10, 0.0):
        if isinstance(record := decode_mentions(value), Parcel):
            found += sum(bool(one.text) for one in record.mentions)
    await reader.close()
    await bus.close()
    return found


def test_a_handle_that_is_a_word_of_ours_is_counted_first(folder: Path) -> None:
    """With nobody to ask it refuses with the counts; --only-theirs leaves what others wrote; --yes means it."""
    asyncio.run(_many(folder / "other"))
    (folder / "warn.yaml").write_text(f"hash_key: {KEY}\ndata: other\n")
    (folder / "warn.yaml").chmod(0o600)
    erase = ("erase", "--source", "forum", "--author")
    for handle, texts, why in (
        ("acme", 262, "a word that your rule files look for"),
        ("lucky", 37, "12.3 %"),
    ):
        refused = warn(folder, *erase, handle)
        assert refused.returncode == 1 and f"{texts} texts of others" in refused.stderr, refused.stderr
        assert why in refused.stderr and "--only-theirs" in refused.stderr and "--yes" in refused.stderr
    assert asyncio.run(_texts(folder / "other")) == 300
    theirs = warn(folder, *erase, "acme", "--only-theirs")
    assert theirs.returncode == 0 and "Erased: 1 posts" in theirs.stdout, theirs.stderr
    assert asyncio.run(_texts(folder / "other")) == 299
    assert warn(folder, *erase, "lucky", "--yes").returncode == 0
    assert asyncio.run(_texts(folder / "other")) == 262


def test_a_person_at_a_terminal_is_asked(folder: Path) -> None:
    asyncio.run(_many(folder / "other"))
    (folder / "warn.yaml").write_text(f"hash_key: {KEY}\ndata: other\n")
    (folder / "warn.yaml").chmod(0o600)
    for answer, left in ((b"n\n", 300), (b"y\n", 263)):
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "warn", "erase", "--source", "forum", "--author", "lucky"], cwd=folder,
            stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        os.write(ours, answer)
        _, err = process.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)
        assert b"37 texts of others" in err and b"Erase them all?" in err
        assert process.returncode == (left == 300)
        assert asyncio.run(_texts(folder / "other")) == left


def test_a_handle_of_two_letters_can_be_erased_by_what_they_wrote(folder: Path) -> None:
    erase = ("erase", "--source", "forum", "--author", "al")
    short = warn(folder, *erase)
    assert short.returncode == 1 and "--only-theirs" in short.stderr
    assert warn(folder, *erase, "--only-theirs").returncode == 0
