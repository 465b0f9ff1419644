"""Fifty people whose handles and names are to be found again wherever they end up."""

import time
from pathlib import Path

from warn.model.mention import Item

PEOPLE = [(f"zq{n:02}handle", f"Qvist{n:02} Marker{n:02}x") for n in range(50)]
"""(handle, name) of each."""
TEXT = "Acme kettle on fire, says {}"
RULES = """\
version: 1
brand: Acme
usual: {mentions: 2 per day}
channels:
  care: {role: care}
topics:
  acme: {any: [Acme]}
groups:
  - name: acme
    rules:
      - alert: AcmeSpike
        topic: acme
        watch: [mentions, authors]
        detector: spike
        at_least: [{mentions: 5, authors: 3}]
        mode: shadow
"""


def who(n: int) -> str:
    """How others write of the person: the handle, and the name."""
    return f"@{PEOPLE[n][0]} also known as {PEOPLE[n][1]}"


def at_source(source: str) -> list[Item]:
    """One post of each, now; on the forum it says who they are."""
    now = int(time.time() * 1000)
    return [
        Item(
            source=source,
            id=f"https://{source}.example/@{handle}/{n}",
            created_ms=now - 1000,
            author=f"@{handle}",
            followers=20_000 if n % 2 else 5,
            text=TEXT.format(who(n)) if source == "forum" else f"Acme kettle number {n} broke",
            url=f"https://{source}.example/@{handle}/{n}",
        )
        for n, (handle, _) in enumerate(PEOPLE)
    ]


def deletes(source: str, n: int) -> list[Item]:
    """The person takes back what they said."""
    post = at_source(source)[n]
    return [Item(source=source, id=post.id, kind="delete", created_ms=int(time.time() * 1000))]


def marks_in(folder: Path) -> dict[str, set[str]]:
    """Which marks stand in which files of a folder, whatever those are."""
    found: dict[str, set[str]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        body = path.read_bytes().lower()
        marks = {mark for person in PEOPLE for mark in person if mark.lower().encode() in body}
        if marks:
            found[path.name] = marks
    return found
