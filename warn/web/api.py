"""Incidents as JSON, read only: what `warn incidents` and other programs use. OpenAPI describes it at /openapi.json."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, create_model

from warn.model.alerts import DeliveryEvent, IncidentEvent, Numbers
from warn.web.store import Store, is_over


def _mirror(struct: type[msgspec.Struct], name: str, doc: str) -> type[BaseModel]:
    """The same fields as a pydantic model, so that the description cannot drift from what flows."""
    fields: Mapping[str, Any] = {f.name: (f.type, ...) for f in msgspec.structs.fields(struct)}
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=doc, **fields)


NumbersOut = _mirror(
    Numbers, "Numbers", "Every number that a page may say; times are seconds since the epoch."
)
DeliveryOut = _mirror(DeliveryEvent, "Delivery", "What became of telling one notifier.")


class Incident(BaseModel):
    """One incident as it stands: its newest event."""

    model_config = ConfigDict(extra="forbid")

    id: str
    brand: str
    topic: str
    alert: str
    rule: str
    severity: str
    mode: str
    state: Literal["open", "acknowledged", "closed", "resolved"]
    over: bool
    at: int
    page_at: int
    """When it first rang as a page; 0: never."""
    press_at: int
    """When its first article was published by its own word; 0: there is none."""
    press_seen_at: int
    """When we saw that article."""
    summary: str
    about: list[str]
    numbers: NumbersOut  # type: ignore[valid-type]
    labels: dict[str, str]
    annotations: dict[str, str]


class Event(BaseModel):
    """One step in the course of an incident."""

    model_config = ConfigDict(extra="forbid")

    sequence: int
    event: str
    at: int
    summary: str
    message: str
    numbers: NumbersOut  # type: ignore[valid-type]


class Course(BaseModel):
    """An incident with its whole course and who was told."""

    model_config = ConfigDict(extra="forbid")

    incident: Incident
    events: list[Event]
    deliveries: list[DeliveryOut]  # type: ignore[valid-type]


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str


def api(store: Store) -> APIRouter:
    """The routes under /api."""
    router = APIRouter(prefix="/api", tags=["incidents"])

    @router.get("/incidents")
    def incidents(
        state: Annotated[Literal["open", "all"], Query(description="open: only what is going on")] = "all",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Incident]:
        """Incidents, open ones first, then the latest."""
        return [_incident(e.event) for e in store.incidents(limit, open_only=state == "open")]

    @router.get("/incidents/{incident}", responses={404: {"model": Problem}})
    def course(incident: Annotated[str, InPath(min_length=1, max_length=64)]) -> Course:
        """One incident."""
        events = store.events(incident)
        if not events:
            raise HTTPException(404, "no such incident")
        return Course(
            incident=_incident(events[-1]),
            events=[_course_event(e) for e in events],
            deliveries=[msgspec.structs.asdict(d) for d in store.deliveries(incident)],
        )

    return router


def _state(event: IncidentEvent) -> str:
    if event.event == "resolved":
        return "resolved"
    return event.state if event.state in ("open", "acknowledged", "closed") else "open"


def _incident(e: IncidentEvent) -> Incident:
    return Incident.model_validate(
        {
            "id": e.incident, "brand": e.brand, "topic": e.topic, "alert": e.alert, "rule": e.rule,
            "severity": e.severity, "mode": e.mode, "state": _state(e), "over": is_over(e), "at": e.at,
            "page_at": e.page_at, "press_at": e.press_at, "press_seen_at": e.press_seen_at,
            "summary": e.summary, "about": list(e.about), "numbers": msgspec.to_builtins(e.numbers),
            "labels": e.labels, "annotations": e.annotations,
        }
    )  # fmt: skip


def _course_event(e: IncidentEvent) -> Event:
    return Event.model_validate(
        {
            "sequence": e.sequence, "event": e.event, "at": e.at, "summary": e.summary, "message": e.message,
            "numbers": msgspec.to_builtins(e.numbers),
        }
    )  # fmt: skip
