"""The kinds of values that rule files are made of, with their limits and their form for an editor."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from warn.rulefile.quantity import DAY, DURATION_PATTERN, RATE_PATTERN, duration, rate


class Strict(BaseModel):
    """A mapping in which every key is known and every value is of its kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _text(value: object) -> str:
    """The text of a quantity; a bare number goes on, to be told which unit it lacks."""
    if isinstance(value, list | dict) or value is None:
        raise PydanticCustomError("string_type", "a text is wanted")
    return str(value)


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("this text is empty")
    if any(c in text for c in "\n\r\t"):
        raise ValueError("this text must be one line, without line breaks and tabs")
    return text


def _name(text: str) -> str:
    if (
        not text
        or len(text) > 64
        or not all(c.isalnum() or c in "_-." for c in text)
        or not text[0].isalnum()
    ):
        raise ValueError(
            f"`{text[:80]}` is no name; a name is letters, digits, - _ and . (64 at most), a letter first"
        )
    return text


def _language(text: str) -> str:
    if text == "emoji" or (text.isascii() and text.isalpha() and text.islower() and len(text) in (2, 3)):
        return text
    raise ValueError(
        f"`{text[:40]}` is no language; write a code such as en, nl or de, or `emoji` for signs of every "
        "language"
    )


def _web_address(text: str) -> str:
    if not text.startswith("https://") or len(text) < 12 or " " in text:
        raise ValueError("a web address that begins with https:// is wanted")
    return text


def _seconds(least: int, most: int, limits: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        seconds = duration(_text(value))
        if not least <= seconds <= most:
            raise ValueError(f"`{value}` is out of bounds; allowed is {limits}")
        return seconds

    return read


def _per(seconds: int, least: float, most: float, limits: str) -> Callable[[object], float]:
    def read(value: object) -> float:
        count, over = rate(_text(value))
        found = count * seconds / over
        if not least <= found <= most:
            raise ValueError(f"`{value}` is out of bounds; allowed is {limits}")
        return found

    return read


def _pulse(value: object) -> int:
    count, over = rate(_text(value))
    if count <= 0 or not 1 <= over / count <= 90 * DAY:
        raise ValueError(f"`{value}` is out of bounds; allowed is from 1 per 90d to 1 per 1s")
    return max(1, round(over / count))


_duration_schema: dict[str, Any] = {
    "type": "string",
    "pattern": DURATION_PATTERN,
    "examples": ["10m", "1h30m"],
}
_rate_schema: dict[str, Any] = {
    "type": "string",
    "pattern": RATE_PATTERN,
    "examples": ["2 per 30d", "40 per day"],
}

Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Name = Annotated[str, AfterValidator(_name)]
Language = Annotated[str, AfterValidator(_language)]
WebAddress = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_web_address)]
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Wait = Annotated[int, BeforeValidator(_seconds(0, DAY, "from 0s to 24h")), WithJsonSchema(_duration_schema)]
Hold = Annotated[
    int, BeforeValidator(_seconds(0, 7 * DAY, "from 0s to 7d")), WithJsonSchema(_duration_schema)
]
Budget = Annotated[
    float,
    BeforeValidator(_per(30 * DAY, 0.01, 300, "from 1 per 3000d to 10 per day")),
    WithJsonSchema(_rate_schema),
]
PerDay = Annotated[
    float, BeforeValidator(_per(DAY, 0, 1e9, "up to 1000000000 per day")), WithJsonSchema(_rate_schema)
]
Pulse = Annotated[int, BeforeValidator(_pulse), WithJsonSchema(_rate_schema)]
