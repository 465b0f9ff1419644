"""Incidents as JSON: what the description promises is what comes, whatever is asked."""

import schemathesis
from hypothesis import HealthCheck, settings

from tests.unit.web.client import client, exposition, filled
from tests.unit.web.made_up import INCIDENT, event
from warn.web.health import Health
from warn.web.routes import build
from warn.web.store import Store

schema = schemathesis.openapi.from_asgi(
    "/openapi.json", build(filled(), Health(), exposition, hosts=("testserver",))
)


@schema.include(path_regex="/api").parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_its_description(case: schemathesis.Case) -> None:
    """No request, however odd, gets an answer that the description does not know."""
    case.call_and_validate()


def test_the_list() -> None:
    """All incidents or the open ones, each with its numbers."""
    store = filled()
    store.put_incidents([event(incident="done", event="resolved", state="closed")])
    web = client(build(store, Health(), exposition))
    everything = web.get("/api/incidents").json()
    assert [(i["id"], i["state"], i["over"]) for i in everything] == [
        (INCIDENT, "open", False),
        ("done", "resolved", True),
    ]
    assert everything[0]["numbers"]["people"] == 402
    assert [i["id"] for i in web.get("/api/incidents?state=open").json()] == [INCIDENT]
    assert len(web.get("/api/incidents?limit=1").json()) == 1


def test_one_incident() -> None:
    """The whole course, and who was told."""
    course = client().get(f"/api/incidents/{INCIDENT}").json()
    assert [e["sequence"] for e in course["events"]] == [1, 2, 3, 4, 5]
    assert [d["state"] for d in course["deliveries"]] == ["claimed", "retry", "delivered", "refused"]
    assert client().get("/api/incidents/none").json() == {"detail": "no such incident"}


def test_it_holds_no_text_of_posts() -> None:
    """The JSON has numbers and our own words; what people wrote stays on the page."""
    body = client().get(f"/api/incidents/{INCIDENT}").text
    assert "Unplug" not in body
    assert "bsky.app" not in body


def test_it_only_reads() -> None:
    """There is no other method."""
    paths = client(build(Store(), Health(), exposition)).get("/openapi.json").json()["paths"]
    assert {method for path in paths.values() for method in path} == {"get"}
