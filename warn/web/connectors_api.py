"""Connectors and channels as JSON, read only: what `warn connectors ls` and other programs use."""

import time
from typing import Any

from fastapi import APIRouter
from msgspec import to_builtins
from pydantic import BaseModel, ConfigDict

from warn.ingest.remedies import remedy
from warn.web.register import Place, Register


class Connector(BaseModel):
    """A connector as it last was; times are seconds since the epoch, 0 or null: never."""

    model_config = ConfigDict(extra="forbid")

    name: str
    source: str
    state: str
    """starting, running, waiting, parked, ended, refused, paused."""
    silence: str
    """How it is not heard as it should be: deaf, cut, lagging, or nothing."""
    since: int
    silent_since: int
    heard_at: int
    read_at: int
    reason: str
    error: str
    remedy: str
    """What to do about it; nothing where nothing has to be done."""
    retry_at: int | None
    read: int
    let_through: int
    dropped: int
    refused: int
    lag_s: int | None
    spent: float
    critical: bool
    gaps: list[tuple[int, int]]
    troubles: list[tuple[str, str]]
    hints: list[tuple[str, str]]
    """Of places that are well: what whoever set them up may wish to know."""
    as_of: int
    """When this was said; 0: now."""


class Channel(BaseModel):
    """A channel of the register: as it is governed, and whether it is heard."""

    model_config = ConfigDict(extra="forbid")

    source: str
    brands: list[str]
    owner: str
    deputy: str
    role: str
    risk: list[str]
    expect_s: int
    usual_s: int
    heard_at: int
    state: str
    """hearing, deaf, cut, lagging, unheard."""
    since: int
    why: str
    reason: str
    remedy: str
    gaps: list[tuple[int, int]]
    connectors: list[str]


class Heard(BaseModel):
    """What warn listens to."""

    model_config = ConfigDict(extra="forbid")

    at: int
    connectors: list[Connector]
    channels: list[Channel]


def connectors_api(register: Register) -> APIRouter:
    """The routes under /api."""
    router = APIRouter(prefix="/api", tags=["connectors"])

    @router.get("/connectors")
    def connectors() -> Heard:
        """Every connector, by name, and every channel, what is wrong first."""
        now = int(time.time())
        return Heard(
            at=now,
            connectors=[_connector(place, register) for place in register.places()],
            channels=[Channel.model_validate(to_builtins(row._asdict())) for row in register.rows(now)],
        )

    return router


def _connector(place: Place, register: Register) -> Connector:
    state = place.state
    values: dict[str, Any] = {
        "name": state.name, "source": state.source, "state": state.state, "silence": state.silence,
        "since": state.since, "silent_since": state.silent_since, "heard_at": register.heard_at(place),
        "read_at": place.read_at, "reason": state.reason, "error": state.last_error, "remedy": remedy(state),
        "retry_at": state.retry_at, "read": state.read, "let_through": state.let_through,
        "dropped": state.dropped, "refused": state.refused, "lag_s": state.lag_s, "spent": state.spent,
        "critical": state.critical, "gaps": list(place.gaps), "troubles": list(state.troubles),
        "hints": list(state.hints), "as_of": state.at,
    }  # fmt: skip
    return Connector.model_validate(values)
