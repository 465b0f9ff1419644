"""One Mastodon server: what it allows, how often it may be asked, and what it sends when asked."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from connectors.mastodon.statuses import MOST_BODY, PLACE, Numbers, Reader
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Answer, Outbound, places, reset_after
from warn.ingest.rest import Rest
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

BETWEEN_S: Final = 1.1
"""Between two requests: 300 in five minutes are allowed."""
Scope = Literal["all", "local", "remote", "hashtags"]
_NO_TOKEN: Final = 422


class Access(NamedTuple):
    """What the server says of itself. `domain`: of its people's names; `streams`: where its streams are, "" where it
    does not say; `feeds`: `live_feeds` or `hashtag_feeds` to who may read them, of its own people and of others.
    """

    domain: str
    streams: str = ""
    feeds: Mapping[str, Mapping[str, str]] = {}


class Server:
    """`url`: without a slash at its end. All feeds of one server share it, and take turns."""

    def __init__(
        self,
        url: str,
        token: str,
        source: str,
        inside: Sequence[str],
        *,
        numbers: Numbers,
        rest: Rest,
        between_s: float,
    ) -> None:
        self.url, self.label = url, urlsplit(url).netloc
        self.place = f"{PLACE}: {self.label}"
        self._token, self._inside, self._between_s = token, inside, between_s
        self._next = 0.0
        self._rest = rest
        self._out: Outbound | None = None
        self._finding = asyncio.Lock()
        self._access: Access | None = None
        self.reader = Reader(source, urlsplit(url).hostname or self.label, numbers)

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    @property
    def remedy(self) -> str:
        """What a person can do where the server refuses us."""
        what = "a new access token" if self._token else "an access token"
        return (
            f"make {what} with the scope read:statuses ({self.url}/settings/applications, with an account there) and "
            f"set it as `token` of this server"
        )

    async def open(self, stack: AsyncExitStack) -> None:
        """Make it ready to be asked, until the stack is left."""
        self._out = await stack.enter_async_context(
            Outbound(self.place, inside=self._inside, headers=self._keys, remedies={401: self.remedy})
        )

    def open_stream(self, streams: str) -> Outbound:
        """For the host of its streams, which it names itself: no server of the open internet sends us inside."""
        inside = self._inside
        if _place(streams) != _place(self.url) and _place(self.url) not in places(inside):
            inside = ()
        return Outbound(self.place, inside=inside, headers=self._keys, remedies={401: self.remedy})

    @property
    def _keys(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"} if self._token else {}

    async def access(self) -> Access:
        """What it allows; asked once."""
        async with self._finding:
            if self._access is None:
                answer = await self.get("/api/v2/instance", accept=(404,))
                said = {} if answer.status == 404 else loose_json(self.place, answer.body)
                if not isinstance(said, dict):
                    raise TemporaryError(
                        f"{self.place}: it does not say what it allows", reason=Reason.MALFORMED
                    )
                self._access = _access(self.url, said)
                self.reader.domain = self._access.domain
            return self._access

    def failed(self, error: WarnError) -> None:
        """Ask anew what it allows, and nothing at all before it wants to be asked."""
        self._access = None
        self._rest.told(error, asyncio.get_running_loop().time())

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: Sequence[int] = ()
    ) -> Answer:
        """When it is our turn. Raises as any request does, with the server's own word on when to come back."""
        if self._out is None:
            raise RuntimeError("not open")
        now = asyncio.get_running_loop().time()
        if (why := self._rest.why(now)) is not None:
            raise why
        mine = max(now, self._next)
        self._next = mine + self._between_s
        await asyncio.sleep(mine - now)
        answer = await self._out.get(
            self.url + path, params=params or {}, accept=(_NO_TOKEN, *accept), most=MOST_BODY
        )
        self._heed(answer)
        if answer.status == _NO_TOKEN:
            raise TemporaryError(
                f"{self.place}: HTTP 422, only with a token; {self.remedy}", reason=Reason.AUTH
            )
        return answer

    def _heed(self, answer: Answer) -> None:
        """Wait where it says that the next request would be too much."""
        reset = reset_after(answer.headers, time.time())
        left = answer.headers.get("x-ratelimit-remaining", "").strip()
        if left.isascii() and left.isdigit() and int(left[:9]) <= 1 and reset is not None:
            self._next = max(self._next, asyncio.get_running_loop().time() + reset)


def allowed(server: Server, access: Access, feed: str, scope: Scope) -> Literal["all", "local", "remote"]:
    """What of a kind of feed may be read. Raises where it is nothing."""
    wanted = ("local", "remote") if scope in {"all", "hashtags"} else (scope,)
    says = access.feeds.get(feed, {})
    open_ = {"public", "authenticated"} if server.has_token else {"public"}
    found = [one for one in wanted if says.get(one, "public") in open_]
    if len(found) == 2:
        return "all"
    if found:
        return "local" if found[0] == "local" else "remote"
    if "authenticated" in [says.get(one) for one in wanted]:
        raise TemporaryError(
            f"{server.place}: it is read only with a token; {server.remedy}", reason=Reason.AUTH
        )
    raise PermanentError(
        f"{server.place}: it has switched this timeline off; set `read: hashtags`, or take another server",
        reason=Reason.CLIENT,
    )


def _access(url: str, said: Mapping[str, Any]) -> Access:
    settings = _mapping(said, "configuration")
    domain = said.get("domain")
    if not isinstance(domain, str) or not 0 < len(domain) <= 253 or not domain.isprintable():
        domain = urlsplit(url).hostname or ""
    feeds = {
        name: {who: word for who, word in _mapping(_mapping(settings, "timelines_access"), name).items()
               if isinstance(word, str)}
        for name in ("live_feeds", "hashtag_feeds")
    }  # fmt: skip
    return Access(domain.lower(), _streams(url, _mapping(settings, "urls").get("streaming")), feeds)


def _streams(url: str, said: object) -> str:
    """Where its streams are, as an address for requests, never less safe than the server's own; "" where it is none."""
    if not isinstance(said, str):
        return url
    scheme, _, rest = said.rstrip("/").partition("://")
    if scheme not in {"ws", "wss", "http", "https"} or not rest:
        return url
    safe = scheme in {"wss", "https"} or urlsplit(url).scheme == "https"
    return f"http{'s' if safe else ''}://{rest}"


def _mapping(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _place(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0
