"""Rules as they are written: which topic, which signals, judged how, and what happens then."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from warn.model.rules import Signal
from warn.rulefile.kinds import Hold, LabelName, Line, Name, PerDay, Prose, Strict, Wait

DetectorName = Literal["spike", "threshold", "river"]
DETECTORS: tuple[str, ...] = DetectorName.__args__  # type: ignore[attr-defined]

Count = Annotated[int, Field(ge=0, le=100_000_000)]
Usual = dict[Literal["mentions", "authors", "echo", "reach", "negativity", "care"], PerDay]


class Floor(Strict):
    """Evidence that must be there, all of it, within the last hour."""

    mentions: Count = Field(default=0, description="So many mentions that name the topic.")
    authors: Count = Field(default=0, description="Written by so many different people.")
    echo: Count = Field(
        default=0,
        description="So much echo: replies, quotes, reposts, likes and rising totals under such mentions.",
    )
    care: Count = Field(default=0, description="So many mentions from channels with role care or internal.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not (self.mentions or self.authors or self.echo or self.care):
            raise ValueError(
                "a floor of nothing would page for anything; write at least one of mentions, authors, echo, "
                "care above 0"
            )
        if 0 < self.mentions < self.authors:
            raise ValueError(
                f"impossible floor: {self.authors} different authors write at least {self.authors} "
                "mentions, so "
                f"`mentions: {self.mentions}` says nothing; raise it or leave it out"
            )
        return self


class Expect(Strict):
    """A planned peak: while it lasts, more is normal."""

    start: Line = Field(
        alias="from",
        description="When it begins: 2026-12-01T09:00, in the time zone of the file or with an offset.",
    )
    end: Line = Field(alias="to", description="When it ends, written in the same way.")
    lift: Annotated[float, Field(gt=1, le=1000)] = Field(
        description="How many times the usual is normal meanwhile."
    )
    why: Line = Field(description="What is planned, for whoever reads the page.")


def _detector(value: Any) -> str:
    return "<parameters>" if isinstance(value, dict) else "<name>"


Detector = Annotated[
    Annotated[DetectorName, Tag("<name>")]
    | Annotated[dict[DetectorName, dict[str, Any]], Field(min_length=1, max_length=1), Tag("<parameters>")],
    Discriminator(_detector),
]


class Annotations(Strict):
    """What the page says beside the numbers."""

    model_config = Strict.model_config | {"extra": "allow"}
    __pydantic_extra__: dict[str, Prose]

    summary: Prose | None = Field(
        default=None, description="One sentence in your own words, shown on the page."
    )
    playbook: Line | None = Field(
        default=None,
        description="What to do: a web address, or a file beside this one (playbooks/product-safety.yaml).",
    )


class Rule(Strict):
    """One alert: when the signals of a topic are exceptional and the evidence is there, somebody is told."""

    alert: Name = Field(
        description="Name of the alert, unique in the file, in CamelCase as Prometheus writes them."
    )
    topic: Name = Field(description="The topic that is watched.")
    watch: Annotated[list[Signal], Field(min_length=1)] = Field(
        default=["mentions", "authors", "echo"],
        description="The signals that are judged, each on its own: mentions, authors (different people in "
        "an hour), echo "
        "(replies, quotes, reposts, likes and rising totals under mentions), reach (followers), negativity, "
        "platforms, "
        "care (mentions of channels with role care or internal).",
    )
    detector: Detector = Field(
        default="spike",
        description="Who judges: `spike` (learned; the default), `threshold` (a fixed limit) or `river` (a "
        "model of the "
        "river library), by name or as {name: {parameter: value}}.",
    )
    at_least: Annotated[list[Floor], Field(min_length=1)] | None = Field(
        default=None,
        description="Evidence floors, alternatives: one of them must be met within the last hour, whatever "
        "the detector "
        "says. Default: [{mentions: 8, authors: 5}, {echo: 100}].",
    )
    for_: Wait = Field(
        default=0,
        alias="for",
        description="How long it must stay exceptional before the alert fires: 5m. Default 0s.",
    )
    keep_firing_for: Hold = Field(
        default=1800,
        description="How long the alert stays on after the last exceptional moment. Default 30m.",
    )
    severity: Literal["page", "ticket", "digest"] = Field(
        default="page",
        description="page wakes somebody, ticket waits for working hours, digest is told in the next "
        "summary.",
    )
    mode: Literal["shadow"] | None = Field(
        default=None, description="shadow: this rule keeps a diary and wakes nobody, though the file be live."
    )
    usual: Usual | None = Field(
        default=None,
        description="A first idea of normal for this rule's topic: {mentions: 5 per day}. Without it a "
        "topic without "
        "`within` takes the file's `usual`, and a narrower one learns from nothing.",
    )
    expect: list[Expect] = Field(default=[], description="Planned peaks: launches, results, campaigns.")
    labels: dict[LabelName, Line] = Field(
        default={}, description="Passed on untouched to pagers, which route by them: {team: comms-nl}."
    )
    annotations: Annotations = Field(
        default=Annotations(),
        description="Texts for the page: `summary`, `playbook`, and others of your own.",
    )


class Group(Strict):
    """Rules that belong together for the reader."""

    name: Line = Field(description="Name of the group, unique in the file.")
    rules: Annotated[list[Rule], Field(min_length=1)] = Field(description="The rules of the group.")
