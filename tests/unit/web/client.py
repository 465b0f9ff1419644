"""A client of the whole web over a made-up store."""

from starlette.testclient import TestClient

from tests.unit.web.made_up import course, deliveries, evidence, history
from warn.web.headers import Guarded
from warn.web.health import Health
from warn.web.routes import build
from warn.web.store import Store


def exposition(accept: str) -> tuple[str, bytes]:
    """Stands for telemetry's."""
    return (
        "application/openmetrics-text" if "openmetrics" in accept else "text/plain; version=0.0.4"
    ), b"# EOF\n"


def filled() -> Store:
    """A store with the whole crisis in it."""
    store = Store()
    store.put_incidents(course())
    store.put_incidents(deliveries())
    store.put_history(history())
    store.put_evidence(evidence())
    return store


def client(app: Guarded | None = None, *, host: str = "127.0.0.1") -> TestClient:
    """Requests come from `host`."""
    app = app or build(filled(), Health(), exposition, press_sources=lambda: ("nu_nl",))
    return TestClient(
        app, base_url="http://127.0.0.1:8080", client=(host, 50_000), raise_server_exceptions=False
    )
