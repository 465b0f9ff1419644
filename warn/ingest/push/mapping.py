"""A mapping in the settings: how the JSON of any service becomes mentions and readings.

    each: entry[].changes[]
    refuse:
      - when: {field: value.item, is: status}
        why: a post of our own page
    mentions:
      - when: {field: value.item, is: comment}
        kind: {path: value.verb, map: {add: comment, edited: edit, remove: delete}}
        id: value.comment_id
        created: value.created_time
        text: value.message

Every rule whose conditions hold gives a mention or a reading for each element; an element that no rule fits, and one of
which something cannot be read, is refused with its reason and stops nothing. What is refused by a condition was
understood, and is not kept: a direct message leaves no trace but a count.
"""

from collections.abc import Mapping as Map
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from warn.ingest.push.path import Path, look, path_of
from warn.ingest.push.value import Context, Value, is_scalar, text_of, value_of
from warn.model.mention import KINDS

MOST_RULES: Final = 32
WHOLE: Final = Path(0, ())
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


def _value(raw: object) -> object:
    if isinstance(raw, Map) and "const" in raw and not is_scalar(raw["const"]):
        raise ValueError("const: text, a number or a truth")
    return value_of(raw)


def _each(raw: object) -> Path:
    return raw if isinstance(raw, Path) else path_of(raw, each=True)


def _eaches(raw: object) -> tuple[Path, ...]:
    """Several places; the whole body, `$`, counts only where none of the others is there."""
    rows = raw if isinstance(raw, list | tuple) and not isinstance(raw, Path) else [raw]
    if not 0 < len(rows) <= MOST_RULES:
        raise ValueError(f"each: a path, or up to {MOST_RULES}")
    return tuple(_each(one) for one in rows)


def _within(raw: object) -> Path | None:
    path = None if raw is None else _each(raw)
    if path is not None and (path.up or not path.steps):
        raise ValueError(
            "within: a path further in, such as replies[]; this one leads back to where it began"
        )
    return path


def _field(raw: object) -> Path:
    return raw if isinstance(raw, Path) else path_of(raw)


def _kind(raw: object) -> object:
    """A kind is checked where it is written, not only where it comes out."""
    for kind in _kinds(raw):
        if kind not in KINDS:
            raise ValueError(f"kind {str(kind)[:40]!r}; there are: {', '.join(KINDS)}")
    return value_of(raw)


def _kinds(raw: object) -> list[object]:
    if isinstance(raw, list | tuple):
        return [kind for one in raw for kind in _kinds(one)]
    if not isinstance(raw, Map):
        return []
    table = raw.get("map")
    words = [*(table.values() if isinstance(table, Map) else ()), raw.get("default"), raw.get("then")]
    if "const" in raw:
        words.append(raw["const"] if table is None else None)
    return [word for word in words if word is not None]


def _tuple(raw: object) -> object:
    return (raw,) if isinstance(raw, Map) else raw


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


AValue = Annotated[Any, BeforeValidator(_value)]


class Condition(_Part):
    """`is`: one of these; `is_not`: none of these; `there`: whether it is there at all; `same`: as at another path."""

    field: Annotated[Any, BeforeValidator(_field)]
    is_: Annotated[tuple[Any, ...] | None, BeforeValidator(lambda v: v)] = Field(default=None, alias="is")
    is_not: tuple[Any, ...] | None = None
    there: bool | None = None
    same: Annotated[Any, BeforeValidator(_field)] = None

    @model_validator(mode="before")
    @classmethod
    def _one_or_several(cls, raw: object) -> object:
        if not isinstance(raw, Map):
            return raw
        told = dict(raw)
        for key in ("is", "is_not"):
            if key in told and not isinstance(told[key], list | tuple):
                told[key] = (told[key],)
            if not all(is_scalar(one) for one in told.get(key, ())):
                raise ValueError(f"{key}: text, a number or a truth, or a list of them")
        if not any(key in told for key in ("is", "is_not", "there", "same")):
            raise ValueError("a condition says `is`, `is_not`, `there` or `same`")
        return told

    def holds(self, context: Context) -> bool:
        """Whether it holds for this element. What is not there is none of anything."""
        found = look(self.field, context.chain)
        word = text_of(found)
        if self.is_ is not None and (word is None or word not in map(text_of, self.is_)):
            return False
        if self.is_not is not None and word is not None and word in map(text_of, self.is_not):
            return False
        if self.there is not None and (found is not None) is not self.there:
            return False
        return self.same is None or (word is not None and word == text_of(look(self.same, context.chain)))


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(_tuple), Field(max_length=MOST_RULES)]


def hold(conditions: tuple[Condition, ...], context: Context) -> bool:
    """Whether all of them do."""
    return all(one.holds(context) for one in conditions)


class Refusal(_Part):
    """What is understood and not wanted: an event that is no mention, or a place that warn does not listen to."""

    when: Conditions = ()
    why: Why


class Totals(_Part):
    """Totals so far, each where the element says it; a service that tells of them as events has none here."""

    likes: AValue = None
    replies: AValue = None
    shares: AValue = None
    views: AValue = None


class MentionRule(_Part):
    """Fields as a recording has them (`warn replay`); `each`: of a list within the element."""

    when: Conditions = ()
    each: Annotated[Any, BeforeValidator(_each)] = None
    refuse: tuple[Refusal, ...] = Field(default=(), max_length=MOST_RULES)
    id: AValue
    created: AValue = Field(default_factory=lambda: value_of({"arrival": True}))
    kind: Annotated[Any, BeforeValidator(_kind)] = Field(default_factory=lambda: value_of({"const": "post"}))
    source: AValue = None
    author: AValue = None
    followers: AValue = None
    text: AValue = None
    url: AValue = None
    lang: AValue = None
    thread: AValue = None
    reshare_of: AValue = None
    reply_to: AValue = None
    engagement: Totals | None = None


class ReadingRule(_Part):
    """A number: `signal` of `topic` (`brand/topic`), by default those of the connector's settings."""

    when: Conditions = ()
    each: Annotated[Any, BeforeValidator(_each)] = None
    refuse: tuple[Refusal, ...] = Field(default=(), max_length=MOST_RULES)
    value: AValue
    source: AValue = None
    topic: AValue = Field(default_factory=lambda: value_of({"setting": "topic"}))
    signal: AValue = Field(default_factory=lambda: value_of({"setting": "signal"}))
    at: AValue = Field(default_factory=lambda: value_of({"arrival": True}))
    interval_s: AValue = Field(default_factory=lambda: value_of({"const": 60}))


class Mapping(_Part):
    """`each`: where the elements are, by default the whole body is one. `once`: by what the sender calls a delivery."""

    about: str = Field(default="", max_length=2_000)
    """What it reads, for people."""
    role: Literal["", "internal", "care"] = ""
    """Who writes there; the role of a connector that does not say another."""
    each: Annotated[tuple[Any, ...], BeforeValidator(_eaches)] = (WHOLE,)
    within: Annotated[Any, BeforeValidator(_within)] = None
    """Where further elements are in an element, and in those again: the replies in a comment."""
    once: AValue = None
    refuse: tuple[Refusal, ...] = Field(default=(), max_length=MOST_RULES)
    mentions: tuple[MentionRule, ...] = Field(default=(), max_length=MOST_RULES)
    readings: tuple[ReadingRule, ...] = Field(default=(), max_length=MOST_RULES)

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if not (self.mentions or self.readings or self.refuse):
            raise ValueError("a mapping has rules: `mentions`, `readings` or `refuse`")
        return self


__all__ = [
    "Condition",
    "Conditions",
    "Mapping",
    "MentionRule",
    "ReadingRule",
    "Refusal",
    "Totals",
    "Value",
    "hold",
]
