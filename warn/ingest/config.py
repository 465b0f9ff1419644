"""Settings that every connector has, and the one condition that no setting can waive."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, model_validator

from warn.outbound.inside import Inside

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class Governance(BaseModel):
    """What must be settled before warn listens to a channel of staff: answers, not ticks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Words
    """Why it is read at all."""
    owner: Words
    """Who answers for it."""
    notice_url: HttpUrl
    """Where those who write there are told."""
    dpia: Words
    """Where the assessment of its impact on them is kept."""
    works_council: Words
    """What was agreed with the works council, or why there is none."""


class Spend(BaseModel):
    """A ceiling for a source that costs money: above it the connector is parked until the period is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ceiling: Annotated[float, Field(gt=0)]
    """In whatever currency the connector reckons its costs in."""
    days: Annotated[int, Field(ge=1, le=366)] = 30


class ConnectorConfig(BaseModel):
    """What all connectors share. `source` is what mentions carry; by default the connector's name.

    `role`: `press`; `own` (our accounts); `care` and `internal` yield counts only. `keep`: `match` drops before the bus
    what no topic could match; `all` is for sources that are ours or addressed to us (the default of `own` and `care`).
    `inside`: `host:port` that may be dialled though it is not of the open internet. `critical`: when it is deaf, warn
    counts as deaf, and the outside monitor is to ring.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    source: Name | None = None
    role: Literal["", "press", "internal", "care", "own"] = ""
    keep: Literal["match", "all"] | None = None
    governance: Governance | None = None
    inside: Inside = ()
    critical: bool = False
    spend: Spend | None = None

    @model_validator(mode="after")
    def _governed(self) -> Self:
        if self.role == "internal" and self.governance is None:
            raise ValueError(
                f"connector {self.name!r} listens to staff (role internal): it starts only with governance: "
                "{purpose, owner, notice_url, dpia, works_council}"
            )
        return self

    @property
    def origin(self) -> str:
        """What its mentions carry as `source`."""
        return self.source or self.name
