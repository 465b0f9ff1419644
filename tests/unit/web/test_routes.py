"""Around the pages: headers, names, what machines ask, and that reading never acts."""

from collections.abc import Sequence

import pytest

from tests.unit.web.client import client, exposition, filled
from tests.unit.web.made_up import INCIDENT
from warn.web.headers import SECURITY
from warn.web.health import Health
from warn.web.routes import build
from warn.web.store import Store

PATHS = [
    "/", f"/incidents/{INCIDENT}", "/incidents/none", "/static/warn.css", "/nothing", "/api/incidents", "/api/none",
    "/metrics", "/-/healthy", "/-/ready", "/openapi.json", "/favicon.ico",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded(path: str) -> None:
    """Found or not, page or number: the browser is told to trust nothing, keep nothing and tell nobody."""
    answer = client().get(path)
    for name, value in SECURITY.items():
        assert answer.headers.get_list(name) == [value]
    assert "server" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


def test_a_failure_is_guarded_too() -> None:
    """Even when warn itself fails, the answer has its headers and says nothing of the inside."""
    store = filled()
    store.close()
    app = build(store, Health(), exposition)
    for path, kind in (("/", "text/html"), ("/api/incidents", "application/json")):
        answer = client(app).get(path)
        assert answer.status_code == 500
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sqlite" not in answer.text.lower()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("agent", ["Slackbot-LinkExpanding 1.0", "Mozilla/5.0 SkypeUriPreview", "curl/8"])
def test_looking_changes_nothing(path: str, method: str, agent: str) -> None:
    """Whoever looks at a link, a person or a scanner of mail, leaves every incident as it was."""
    store, asked = filled(), []

    async def reload() -> Sequence[str]:
        asked.append(1)
        return ()

    before = (store.incidents(), store.events(INCIDENT), store.deliveries(INCIDENT))
    client(build(store, Health(), exposition, reload=reload)).request(
        method, path, headers={"User-Agent": agent}
    )
    client(build(store, Health(), exposition, reload=reload)).request(
        method, "/-/reload", headers={"User-Agent": agent}
    )
    assert (store.incidents(), store.events(INCIDENT), store.deliveries(INCIDENT)) == before
    assert asked == []


@pytest.mark.parametrize(
    "path", ["/incidents/none", "/incidents/../etc/passwd", "/nothing", "/incidents/%00", "/static/x"]
)
def test_what_is_not_there_is_404(path: str) -> None:
    """An unknown address is not found, whatever it looks like."""
    assert client().get(path).status_code == 404


def test_a_missing_incident_shows_the_way_back() -> None:
    """Somebody with an old link is not left alone."""
    answer = client().get("/incidents/none")
    assert "No such incident" in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200), ("localhost:8080", 200), ("[::1]:8080", 200), ("192.168.1.7", 200),
        ("warn.acme.example", 200), ("WARN.acme.example.", 200), ("evil.example", 421), ("", 421), ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
    ],
)  # fmt: skip
def test_pages_answer_to_our_names_only(host: str, status: int) -> None:
    """A name of somebody else's that points here gets no page; machines may use any name for metrics."""
    app = build(filled(), Health(), exposition, hosts=("warn.acme.example",))
    assert client(app).get("/", headers={"Host": host}).status_code == status
    assert client(app).get("/metrics", headers={"Host": host}).status_code == 200


def test_metrics_in_the_format_that_was_asked_for() -> None:
    """The Accept header decides the format, and there is no redirect."""
    answer = client().get(
        "/metrics", headers={"Accept": "application/openmetrics-text"}, follow_redirects=False
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/openmetrics-text"
    assert client().get("/metrics").headers["content-type"] == "text/plain; version=0.0.4"


def test_ready_says_why_not() -> None:
    """Not ready is 503 with every reason; healthy it is all the same."""
    health = Health()
    web = client(build(Store(), health, exposition))
    assert web.get("/-/ready").status_code == 200
    health.failing("rules", "no rule file could be read")
    health.failing("match", "match 0 has not started")
    answer = web.get("/-/ready")
    assert answer.status_code == 503
    assert answer.text == "Not ready: match 0 has not started.\nNot ready: no rule file could be read.\n"
    assert web.get("/-/healthy").status_code == 200
    health.well("rules")
    health.well("match")
    assert web.get("/-/ready").status_code == 200


class TestReload:
    """Reading the rules again acts, so it is a POST, and not everybody may ask."""

    def _ask(
        self, problems: Sequence[str] = (), *, peer: str = "127.0.0.1", **headers: str
    ) -> tuple[int, str, int]:
        asked = []

        async def reload() -> Sequence[str]:
            asked.append(1)
            return problems

        app = build(Store(), Health(), exposition, reload=reload, reload_token="s3cret-token")
        answer = client(app, host=peer).post(
            "/-/reload", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return answer.status_code, answer.text, len(asked)

    def test_this_machine_may(self) -> None:
        """A plain request from this machine reloads."""
        assert self._ask() == (200, "The rules were read again.\n", 1)
        assert self._ask(peer="::1")[0] == 200

    def test_mistakes_are_told(self) -> None:
        """A bad file is 500 with every mistake; the last good set stays, and it says so."""
        status, text, _ = self._ask(["rules/acme.yaml:3:5: unknown key `foo`"])
        assert status == 500
        assert "the last good set stays in force" in text
        assert "rules/acme.yaml:3:5: unknown key `foo`" in text

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-origin"},
            {"X_Forwarded_For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}, {"Authorization": "Bearer wrong", "Origin": "x"},
        ],
    )  # fmt: skip
    def test_web_pages_and_proxies_may_not(self, headers: dict[str, str]) -> None:
        """A web page in a browser on this machine, or somebody behind a proxy, is not this machine."""
        status, _, asked = self._ask(**headers)
        assert (status, asked) == (403, 0)

    def test_others_need_the_token(self) -> None:
        """Another machine reloads with the token and not without."""
        assert self._ask(peer="203.0.113.9")[::2] == (403, 0)
        assert self._ask(peer="203.0.113.9", Authorization="Bearer s3cret-token")[::2] == (200, 1)
        assert self._ask(peer="203.0.113.9", Authorization="Bearer s3cret-tokeN")[::2] == (403, 0)


def test_a_process_without_web_answers_machines_only() -> None:
    """Metrics, health and readiness are every process's; incidents are shown by those that run web."""
    plain = client(build(filled(), Health(), exposition, shows=False))
    assert plain.get("/metrics").status_code == 200
    assert plain.get("/-/healthy").status_code == 200
    assert plain.get("/-/ready").status_code == 200
    for path in ("/", "/api/incidents", "/incidents/x"):
        answer = plain.get(path)
        assert answer.status_code == 404
        assert "ask one that runs web" in answer.json()["detail"]
