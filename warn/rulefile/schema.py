"""The rule file as it is written: every key, its kind, its default and what it means."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from warn.rulefile.kinds import Budget, Line, Name, Pulse, Strict, WebAddress
from warn.rulefile.schema_rule import Group, Usual
from warn.rulefile.schema_topic import Topic


class Governance(Strict):
    """Why and how staff channels are listened to; without all of it an internal channel does not start."""

    purpose: Line = Field(description="What it is listened to for; nothing else may be done with it.")
    owner: Line = Field(description="Who answers for it towards staff.")
    notice_url: WebAddress = Field(description="The page that tells staff about it.")
    dpia: Line = Field(description="The data protection impact assessment: its number, or where it lies.")
    works_council: Line = Field(
        description="The works council's consent: date and number, or who declared none exists."
    )


class Channel(Strict):
    """A source as governed: who owns it, what can go wrong there, how often it should be heard from."""

    owner: Line | None = Field(default=None, description="Who answers on this channel.")
    deputy: Line | None = Field(default=None, description="Who stands in.")
    risk: list[Line] = Field(default=[], description="What can go wrong there: [impersonation, pile-on].")
    role: Literal["press", "internal", "care", "own"] | None = Field(
        default=None,
        description="press: articles, they set the press clock; care: service desk, counts only; internal: "
        "staff, "
        "counts only and only with `governance`; own: ours.",
    )
    expect: Pulse | None = Field(
        default=None,
        description="Its pulse: heard from at least so often (1 per 10m), else it counts as deaf.",
    )
    governance: Governance | None = Field(
        default=None, description="Needed for role internal, all five keys of it."
    )

    @model_validator(mode="after")
    def _governed(self) -> Self:
        if self.role == "internal" and self.governance is None:
            raise ValueError(
                "a channel with role internal needs `governance` with purpose, owner, notice_url, dpia and "
                "works_council"
            )
        return self


class Account(Strict):
    """An account of ours: left out of counts."""

    source: Name = Field(description="Where it is: the name of the connector, as under `channels`.")
    handle: Line = Field(description="Its handle there, with or without @.")


class RuleFile(Strict):
    """A rule file of warn: one brand, what is said about it, and when somebody must know."""

    version: Literal[1] = Field(description="Version of this format: 1.")
    brand: Line = Field(
        description="The brand as it appears on pages, up to 200 characters. One file per brand."
    )
    owner: Line | None = Field(default=None, description="Who answers for this file.")
    timezone: Annotated[str, Field(max_length=100)] = Field(
        default="UTC", description="Time zone of times in this file and on its pages: Europe/Amsterdam."
    )
    language: Literal["en", "nl"] = Field(default="en", description="Language of what is sent: en or nl.")
    mode: Literal["shadow", "live"] = Field(
        default="shadow", description="shadow: judges, keeps a diary, wakes nobody. live: wakes people."
    )
    budget: Budget = Field(
        default=2.0,
        description="False pages that all page rules of this file together may cost the person on call: 2 "
        "per 30d. A "
        "ceiling, never a quota; shared out equally among the rules with severity page.",
    )
    usual: Usual | None = Field(
        default=None,
        description="A first idea of normal for the brand, so that day one is not deaf: {mentions: 40 per "
        "day}. Applies "
        "to rules on topics without `within`.",
    )
    channels: dict[Name, Channel] = Field(default={}, description="The register: sources by connector name.")
    accounts: list[Account] = Field(default=[], description="Our own accounts.")
    topics: dict[Name, Topic] = Field(default={}, description="Named match expressions.")
    groups: list[Group] = Field(default=[], description="Groups of rules.")


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a rule file, for editors."""
    schema = _without_null(RuleFile.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def json_schema_text() -> str:
    """The text of `rules/schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _without_null(node: Any) -> Any:
    """A schema in which a key may be left out but not written with nothing behind it, as the check has it."""
    if isinstance(node, list):
        return [_without_null(x) for x in node]
    if not isinstance(node, dict):
        return node
    kept = {k: _without_null(v) for k, v in node.items() if not (k == "default" and v is None)}
    several = kept.get("anyOf")
    if isinstance(several, list) and {"type": "null"} in several:
        others = [x for x in several if x != {"type": "null"}]
        del kept["anyOf"]
        kept |= others[0] | kept if len(others) == 1 else {"anyOf": others}
    return kept
