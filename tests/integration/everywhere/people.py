"""Fifty people, each with marks that are found again wherever they end up, however they are written there."""

import base64
import re
from pathlib import Path
from typing import Final, NamedTuple

COUNT: Final = 50
_MARK: Final = re.compile(
    rb"zq(\d\d)(?:handle|did|mail|id)|qvist(\d\d)|marker(\d\d)x|990000000(\d\d)", re.IGNORECASE
)


class Person(NamedTuple):
    """What somebody is called, in all the ways in which sources call people."""

    n: int

    @property
    def handle(self) -> str:
        return f"zq{self.n:02}handle"

    @property
    def name(self) -> str:
        return f"Qvist{self.n:02} Marker{self.n:02}x"

    @property
    def did(self) -> str:
        return f"did:plc:zq{self.n:02}did"

    @property
    def mail(self) -> str:
        return f"zq{self.n:02}mail@people.example"

    @property
    def uid(self) -> str:
        return f"U0ZQ{self.n:02}ID"

    @property
    def number(self) -> int:
        return 99_000_000_000 + self.n

    @property
    def called(self) -> tuple[str, ...]:
        """All of it, as `warn erase` is told it."""
        return (self.handle, self.name, self.did, self.mail, self.uid, str(self.number))

    @property
    def other(self) -> "Person":
        """Somebody else, whom this one writes about."""
        return Person((self.n + 1) % COUNT)

    def says(self, what: str = "is on fire") -> str:
        """Words about us that name somebody else in several ways."""
        one = self.other
        return (
            f"Acme kettle {self.n:02} {what}, say @{one.handle}, {one.name} <{one.mail}> and {one.did} at "
            f"https://people.example/%40{one.handle}/{one.name.replace(' ', '%20')}?u={one.uid} or "
            f"https://people.example/{one.name.lower().replace(' ', '-')}"
        )


PEOPLE: Final = tuple(Person(n) for n in range(COUNT))


def marked(body: bytes) -> set[int]:
    """Whose marks stand in these bytes: as they are, in any case, and in base64 at any of its three beats."""
    found = {int(next(filter(None, one.groups()))) for one in _MARK.finditer(body)}
    return found | {n for n, hidden in _HIDDEN for one in hidden if one in body}


def _beats(word: str) -> tuple[bytes, ...]:
    return tuple(base64.b64encode(b"." * pad + word.encode())[4 if pad else 0 : -4] for pad in range(3))


_HIDDEN: Final = tuple((one.n, _beats(one.handle) + _beats(one.name)) for one in PEOPLE)


def marked_files(folder: Path) -> dict[str, set[int]]:
    """Whose marks stand in which files of a folder, and in the files' names."""
    found: dict[str, set[int]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        people = marked(path.read_bytes()) | marked(path.name.encode())
        if people:
            found[path.name] = people
    return found
