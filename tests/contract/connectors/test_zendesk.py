"""The Zendesk connector against a help desk on a local port: its incremental export."""

import asyncio
import base64
import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.zendesk import OVERLAP_S, START_S, ZendeskConfig, ZendeskConnector, read_ticket
from tests.contract.connectors.faults import check_faults, inside
from tests.contract.connectors.service import serve
from warn.ingest.connector import Batch, Connector, Cursor
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item
from warn.testing.check_connector import Made, Until, check_connector

NOW = 1_764_000_000
TOKEN = "t0ken-s3same"
BASIC = base64.b64encode(f"agent@acme.example/token:{TOKEN}".encode()).decode()
SECRETS = [TOKEN, BASIC, "agent@acme.example"]


def date(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket(number: int, second: int, **of: Any) -> dict[str, Any]:
    return {
        "id": number,
        "subject": f"kettle {number}",
        "description": "My Acme kettle burns",
        "requester_id": 77_000 + number % 7,
        "submitter_id": 77_000 + number % 7,
        "created_at": date(second),
        "updated_at": date(second),
        "status": "new",
        "is_public": True,
        "via": {"channel": "web"},
        **of,
    }


class Desk:
    """Zendesk: tickets in the order in which they changed, a page of which begins where a cursor says."""

    def __init__(self, tickets: list[dict[str, Any]]) -> None:
        self.tickets = tickets
        self.forgets = 0
        self.asked: list[dict[str, str]] = []
        self.at: list[float] = []
        self.base = ""
        self.app = Starlette(routes=[Route("/api/v2/incremental/tickets/cursor.json", self.export)])

    async def export(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        self.at.append(asyncio.get_running_loop().time())
        if request.headers.get("authorization") not in {f"Basic {BASIC}", f"Bearer {TOKEN}"}:
            return Response(status_code=401)
        if "cursor" in asked and self.forgets:
            self.forgets -= 1
            return JSONResponse({"error": "InvalidPaginationParameter", "planted": 1}, status_code=422)
        if "cursor" in asked:
            start = int(base64.b64decode(asked["cursor"]))
        else:
            since = date(int(asked["start_time"]))
            start = next(
                (i for i, t in enumerate(self.tickets) if t["updated_at"] >= since), len(self.tickets)
            )
        upto = min(start + 10, len(self.tickets))
        return JSONResponse(
            {
                "tickets": self.tickets[start:upto],
                "after_cursor": base64.b64encode(str(upto).encode()).decode(),
                "after_url": f"http://169.254.169.254/?cursor={upto}",
                "before_cursor": None,
                "end_of_stream": upto == len(self.tickets),
            }
        )

    def config(self, **of: Any) -> ZendeskConfig:
        settings = {
            "name": "care",
            "url": f"{self.base}/api/v2",
            "email": "agent@acme.example",
            "token": TOKEN,
            "inside": (inside(self.base),),
        }
        return ZendeskConfig(**{**settings, **of})

    def connector(self, **of: Any) -> ZendeskConnector:
        return ZendeskConnector(self.config(**of), every_s=0.01, between_s=0.0, wall=lambda: NOW)


def filled() -> Desk:
    """25 tickets, one of which was changed later, one of which is not public, and one that is gone."""
    tickets = [ticket(n, NOW - 3_000 + n) for n in range(1, 26)]
    tickets += [
        {**tickets[3], "updated_at": date(NOW - 2_000), "status": "solved", "tags": ["burns"]},
        ticket(30, NOW - 1_900, is_public=False, description="secret among agents"),
        {**tickets[7], "updated_at": date(NOW - 1_800), "status": "deleted", "subject": "SCRUBBED"},
    ]
    return Desk(tickets)


async def some(connector: Connector, batches: int, cursor: Cursor | None = None) -> list[Batch]:
    async with asyncio.timeout(10), aclosing(connector.batches(cursor)) as read:
        return [await anext(read) for _ in range(batches)]


async def test_contract() -> None:
    desk = filled()
    async with serve(desk.app) as address:
        desk.base = address.url

        def make() -> Made:
            return desk.config(), Until(desk.connector(), lambda batch: not batch.items)

        await check_connector(make, secrets=SECRETS)


async def test_a_ticket_counts_once_and_for_what_its_customer_wrote() -> None:
    desk = filled()
    async with serve(desk.app) as address:
        desk.base = address.url
        found = await some(desk.connector(), 3)
    items = [item for batch in found for item in batch.items]
    assert desk.asked[0]["start_time"] == str(NOW - START_S)
    assert [one["cursor"] for one in desk.asked[1:]] == [base64.b64encode(n).decode() for n in (b"10", b"20")]
    assert len(items) == 27
    assert len({item for item in items if item.kind == "ticket"}) == 25, "a change makes a ticket another one"
    (gone,) = [item for item in items if item.kind == "delete"]
    assert (gone.id, gone.created_ms, gone.text) == ("8", (NOW - 1_800) * 1000, None)
    first = items[0]
    assert (first.kind, first.id, first.author) == ("ticket", "1", "77001")
    assert (first.text, first.created_ms) == ("kettle 1\nMy Acme kettle burns", (NOW - 2_999) * 1000)
    assert first.url is None
    assert not any("secret" in (item.text or "") for item in items)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        ({"submitter_id": 5}, "kettle 1"),
        ({"submitter_id": None, "requester_id": None}, "kettle 1"),
        ({"description": "kettle 1"}, "kettle 1"),
        ({"subject": None}, "My Acme kettle burns"),
        ({"subject": 3, "description": None}, ""),
    ],
)
def test_the_words_of_agents_are_left_out(of: dict[str, Any], text: str) -> None:
    found = read_ticket(ticket(1, NOW, **of), "care")
    assert isinstance(found, Item)
    assert found.text == text


def test_talk_among_agents_is_no_ticket() -> None:
    assert read_ticket(ticket(1, NOW, via={"channel": "side_conversation"}), "care") == ""


async def test_a_redacted_ticket_takes_back_what_it_said() -> None:
    """Each time anew, and not where letters were masked before the ticket was ever seen."""
    said = ticket(1, NOW - 90, description="I am Jane Doe, 06-12345678")
    desk = Desk([said, ticket(2, NOW - 90, description="My card is ▇▇▇▇")])
    async with serve(desk.app) as address:
        desk.base = address.url
        async with asyncio.timeout(10), aclosing(desk.connector().batches(None)) as read:
            first = (await anext(read)).items
            assert [item.kind for item in first] == ["ticket", "ticket"]
            later = {**said, "updated_at": date(NOW - 50), "description": "I am ▇▇▇▇ ▇▇▇, 06-12345678"}
            desk.tickets += [
                later,
                {**later, "updated_at": date(NOW - 40), "description": "I am ▇▇▇▇ ▇▇▇, ▇▇▇▇▇▇▇▇▇▇▇"},
            ]
            batch = await anext(read)
            gone, again, gone_2, again_2 = batch.items or (await anext(read)).items
    assert [(one.kind, one.id, one.text) for one in (gone, gone_2)] == [("edit", "1", None)] * 2
    assert gone != gone_2, "the second would be taken for a repeat"
    assert ("06" in (again.text or ""), "06" in (again_2.text or "")) == (True, False)


async def test_new_tickets_come_at_the_next_look() -> None:
    desk = Desk([ticket(1, NOW - 90)])
    async with serve(desk.app) as address:
        desk.base = address.url
        async with (
            asyncio.timeout(10),
            aclosing(desk.connector(bearer=TOKEN, token=None).batches(None)) as read,
        ):
            assert [item.id for item in (await anext(read)).items] == ["1"]
            assert (await anext(read)).items == ()
            desk.tickets.append(ticket(2, NOW - 70))
            assert [item.id for item in (await anext(read)).items] == ["2"]


async def test_a_cursor_that_zendesk_forgot_is_made_up_for_by_time() -> None:
    desk = filled()
    async with serve(desk.app) as address:
        desk.base = address.url
        _, second = await some(desk.connector(), 2)
        desk.forgets, desk.asked = 1, []
        (again,) = await some(desk.connector(), 1, second.cursor)
    newest = NOW - 3_000 + 20
    assert [sorted(one) for one in desk.asked] == [["cursor", "per_page"], ["per_page", "start_time"]]
    assert desk.asked[1]["start_time"] == str(newest - OVERLAP_S)
    assert again.items[0].id == "1"
    assert not again.gaps, "nothing is lost: it can be asked for by time"


async def test_what_is_no_ticket_is_refused_and_nothing_of_it_is_kept() -> None:
    desk = Desk([ticket(1, NOW, id="one"), ticket(2, NOW, created_at="yesterday"), ticket(3, NOW)])
    desk.tickets.insert(0, {"updated_at": date(NOW), "call": {"from_line": "+31 planted"}})
    async with serve(desk.app) as address:
        desk.base = address.url
        (found,) = await some(desk.connector(), 1)
    assert [item.id for item in found.items] == ["3"]
    assert [one.message.partition(":")[0] for one in found.refused] == [
        "a call or a field of a form", "id", "created_at",
    ]  # fmt: skip
    assert found.refused[0].where == "zendesk, ticket 1 of a page"
    assert not any(one.payload for one in found.refused)


@pytest.mark.parametrize(
    "body",
    [
        {"tickets": []},
        {"tickets": {}, "after_cursor": "x"},
        [],
        {"tickets": [], "after_cursor": ""},
        {"tickets": [], "after_cursor": "\ud800"},
    ],
)
async def test_answers_that_are_none(body: object) -> None:
    async def says(_: Request) -> Response:
        return Response(json.dumps(body))

    app = Starlette(routes=[Route("/api/v2/incremental/tickets/cursor.json", says)])
    desk = Desk([])
    async with serve(app) as address:
        desk.base = address.url
        with pytest.raises(TemporaryError) as caught:
            await some(desk.connector(), 1)
    assert caught.value.reason is Reason.MALFORMED


async def test_ten_requests_a_minute() -> None:
    desk = filled()
    async with serve(desk.app) as address:
        desk.base = address.url
        began = asyncio.get_running_loop().time()
        await some(ZendeskConnector(desk.config(), between_s=0.3, wall=lambda: NOW), 3)
    assert [at - began > n * 0.29 for n, at in enumerate(desk.at)] == [True] * 3


@pytest.mark.parametrize(
    "cursor", ["nonsense", "{}", '{"after": "x", "read_to": "y"}', '{"after": 1, "read_to": 2}']
)
async def test_a_foreign_cursor(cursor: str) -> None:
    desk = Desk([])
    desk.base = "http://127.0.0.1:9"
    with pytest.raises(PermanentError) as caught:
        await some(desk.connector(), 1, Cursor(cursor))
    assert caught.value.reason is Reason.MALFORMED


def test_settings() -> None:
    good = {"name": "care", "subdomain": "acme", "email": "a@acme.example", "token": TOKEN}
    assert ZendeskConfig(**good).role == "care" and TOKEN not in repr(ZendeskConfig(**good))
    for wrong, words in (
        ({"subdomain": None}, "subdomain"),
        ({"url": "https://x.example"}, "subdomain"),
        ({"token": None}, "bearer"),
        ({"bearer": "x"}, "bearer"),
        ({"email": ""}, "email"),
        ({"subdomain": "evil.example/"}, "subdomain"),
        ({"role": ""}, "role"),
        ({"role": "internal"}, "governance"),
    ):
        with pytest.raises(ValidationError, match=words):
            ZendeskConfig(**{**good, **wrong})


async def test_faults() -> None:
    def make(url: str) -> Connector:
        config = ZendeskConfig(
            name="care", url=HttpUrl(url), email="agent@acme.example", token=SecretStr(TOKEN), inside=(inside(url),)
        )  # fmt: skip
        return ZendeskConnector(config, between_s=0.0)

    await check_faults(make, place="zendesk", remedy="make an API token", secrets=SECRETS)
