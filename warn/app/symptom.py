"""One line of `warn doctor`: what was looked at, how it is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is."""

    WELL = "well"
    NOTE = "note"
    """Works, and a person may want to know."""
    WRONG = "wrong"
    """Has to be mended."""


@dataclass(frozen=True)
class Symptom:
    """`name` is what was looked at; without anything to `do`, all is well or cannot be changed."""

    state: State
    name: str
    what: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.do}" if self.do else self.what


def well(name: str, what: str) -> Symptom:
    """Nothing to do."""
    return Symptom(State.WELL, name, what)


def note(name: str, what: str, do: str = "") -> Symptom:
    """Something to know."""
    return Symptom(State.NOTE, name, what, do)


def wrong(name: str, what: str, do: str) -> Symptom:
    """Something to mend."""
    return Symptom(State.WRONG, name, what, do)
