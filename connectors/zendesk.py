"""Tickets of customers from Zendesk, by its incremental export: what they wrote, counted and shown to nobody.

A ticket counts once, when it was made. What agents write, and what is not public, is not read. One out of which words were
taken (redacted) takes back what was kept of it.
"""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints, model_validator

from warn.ingest.config import ConnectorConfig
from warn.ingest.connector import Batch, Cursor, Refused
from warn.ingest.dates import milliseconds
from warn.ingest.kind import Kind
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Answer, Outbound
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.model.mention import Item

PLACE: Final = "zendesk"
BETWEEN_S: Final = 6.1
"""Between two requests: ten a minute are allowed."""
PER_PAGE: Final = 100
MOST_BODY: Final = 8 * 1024 * 1024
"""A ticket holds up to 64 kB of text."""
START_S: Final = 3_600
"""How far back the first look goes."""
OVERLAP_S: Final = 300
_AMONG_AGENTS: Final = "side_conversation"
"""How a ticket came in that agents made to talk among themselves, or with a partner."""
REDACTED: Final = "\u2587"
"""What Zendesk writes in the place of every letter that was taken out."""
_BAD_CURSOR: Final = (400, 410, 422)
_REMEDIES: Final = {
    401: "make an API token in Admin Center (Apps and integrations, APIs) and set `email` and `token`, or set `bearer`"
}


class ZendeskConfig(ConnectorConfig):
    """The help desk of an organisation: `role` is `care`, so only counts come in."""

    type: Literal["zendesk"] = "zendesk"
    role: Literal["care", "internal"] = "care"
    subdomain: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = None
    """What stands before .zendesk.com."""
    url: HttpUrl | None = None
    """Instead of `subdomain`: where its API is."""
    email: str = ""
    """The agent's for whom `token` was made."""
    token: SecretStr | None = None
    """API token; goes with `email`."""
    bearer: SecretStr | None = None
    """Instead of both: an OAuth access token with `tickets:read`."""
    every: Annotated[float, Field(ge=6.1, le=3_600)] = 30.0
    """Seconds between looks. Zendesk leaves out the last minute whatever this is."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.subdomain is None) == (self.url is None):
            raise ValueError("set `subdomain` (or, for an address of your own, `url`)")
        if (self.token is None) == (self.bearer is None):
            raise ValueError("set `email` and `token`, or `bearer`")
        if self.token is not None and not self.email:
            raise ValueError("`token` needs the `email` of its agent")
        return self


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where we are: Zendesk's own cursor, and the newest change that was read (seconds), in case it knows it no more."""

    after: str
    read_to: int


class Page(NamedTuple):
    """What an answer holds."""

    items: tuple[Item, ...]
    refused: tuple[Refused, ...]
    after: str
    changed: int
    """The newest change in it, in seconds."""
    end: bool


class ZendeskConnector:
    """The cursor is JSON: Zendesk's, and the time of the newest change."""

    def __init__(
        self,
        config: ZendeskConfig,
        *,
        every_s: float | None = None,
        between_s: float = BETWEEN_S,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._every_s = config.every if every_s is None else every_s
        self._between_s, self._wall = between_s, wall
        self._next = 0.0

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    async def batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        """Reads on from Zendesk's cursor; where it is refused, by time, from a little before the newest change read."""
        at = _place(cursor) or Place("", int(self._wall()) - START_S)
        async with Outbound(
            PLACE, inside=self._config.inside, headers=_keys(self._config), remedies=_REMEDIES
        ) as out:
            while True:
                page = await self._page(out, at)
                if page is None:
                    at = Place("", at.read_to - OVERLAP_S)
                    continue
                moved = Place(page.after, max(at.read_to, page.changed))
                yield Batch(items=page.items, refused=page.refused, cursor=_cursor(moved))
                stuck = moved == at
                at = moved
                if page.end or stuck:
                    await asyncio.sleep(self._every_s)

    async def _page(self, out: Outbound, at: Place) -> Page | None:
        """The next tickets that changed; None where the cursor is refused."""
        where = {"cursor": at.after} if at.after else {"start_time": str(max(0, at.read_to))}
        await self._turn()
        answer = await out.get(
            f"{_base(self._config)}/incremental/tickets/cursor.json",
            params={**where, "per_page": str(PER_PAGE)},
            most=MOST_BODY,
            accept=_BAD_CURSOR if at.after else (),
        )
        if answer.status in _BAD_CURSOR:
            return None
        return await asyncio.to_thread(read_page, answer, self.source)

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        mine = max(now, min(self._next, now + self._between_s))
        self._next = mine + self._between_s
        await asyncio.sleep(mine - now)


def _base(config: ZendeskConfig) -> str:
    if config.url is not None:
        return str(config.url).rstrip("/")
    return f"https://{config.subdomain}.zendesk.com/api/v2"


def _keys(config: ZendeskConfig) -> dict[str, str]:
    if config.bearer is not None:
        return {"authorization": f"Bearer {config.bearer.get_secret_value()}"}
    token = "" if config.token is None else config.token.get_secret_value()
    pair = f"{config.email}/token:{token}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def read_page(answer: Answer, source: str) -> Page:
    """A page of the export. Raises TemporaryError where it is none."""
    said = loose_json(PLACE, answer.body)
    if not isinstance(said, dict) or not isinstance(said.get("tickets"), list):
        raise TemporaryError(f"{PLACE}: its answer holds no tickets", reason=Reason.MALFORMED)
    after = said.get("after_cursor")
    if not isinstance(after, str) or not after or not after.isascii() or len(after) > 1_000:
        raise TemporaryError(f"{PLACE}: its answer does not say how to go on", reason=Reason.MALFORMED)
    items: list[Item] = []
    refused: list[Refused] = []
    changed = 0
    for number, one in enumerate(said["tickets"], 1):
        found = read_ticket(one, source)
        if isinstance(found, Item):
            items += [*_taken_out(found, one), found]
        elif found:
            # Nothing of what a customer wrote is put aside.
            refused.append(Refused(f"{PLACE}, ticket {number} of a page", found, b""))
        if isinstance(one, dict):
            changed = max(changed, (milliseconds(one.get("updated_at")) or 0) // 1000)
    return Page(tuple(items), tuple(refused), after, changed, said.get("end_of_stream") is not False)


def read_ticket(one: object, source: str) -> Item | str:
    """The item; else why it is none, "" where it is left out on purpose: nothing in it is public."""
    if isinstance(one, dict) and isinstance(one.get("ticket"), dict):
        one = one["ticket"]
    if not isinstance(one, dict):
        return "no ticket"
    if "call" in one or "ticket_field" in one:
        return "a call or a field of a form: there are no words of a customer in it"
    number, created = one.get("id"), milliseconds(one.get("created_at"))
    if not isinstance(number, int) or isinstance(number, bool):
        return "id: no number"
    if one.get("status") == "deleted":
        gone = milliseconds(one.get("updated_at")) or created
        return Item(source=source, id=str(number), created_ms=gone, kind="delete") if gone else "no date"
    if created is None:
        return "created_at: no date"
    via = one.get("via")
    if one.get("is_public") is False or (isinstance(via, dict) and via.get("channel") == _AMONG_AGENTS):
        return ""
    return Item(
        source=source,
        id=str(number),
        created_ms=created,
        kind="ticket",
        author=str(one["requester_id"]) if isinstance(one.get("requester_id"), int) else None,
        text=_text(one),
    )


def _taken_out(found: Item, ticket: Any) -> tuple[Item, ...]:
    """Of a ticket that has changed since it was made and holds places where words were: that what it said goes.

    An edit without words. It is dated by the change, so that the next one is another; it counts nothing.
    """
    changed = milliseconds(ticket.get("updated_at")) if isinstance(ticket, dict) else None
    if REDACTED not in (found.text or "") or changed is None or changed == found.created_ms:
        return ()
    return (Item(source=found.source, id=found.id, created_ms=changed, kind="edit"),)


def _text(ticket: dict[str, Any]) -> str:
    """Subject and first message. What somebody else than the customer entered may be an internal note: left out."""
    parts = [ticket.get("subject")]
    if isinstance(ticket.get("requester_id"), int) and ticket.get("submitter_id") == ticket["requester_id"]:
        parts.append(ticket.get("description"))
    return "\n".join(dict.fromkeys(part.strip() for part in parts if isinstance(part, str) and part.strip()))


def _cursor(at: Place) -> Cursor:
    return Cursor(msgspec.json.encode(at).decode())


def _place(cursor: Cursor | None) -> Place | None:
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.MsgspecError:
        raise PermanentError(f"{PLACE}: a cursor that is none of its own", reason=Reason.MALFORMED) from None


KIND = Kind(ZendeskConfig, ZendeskConnector)
