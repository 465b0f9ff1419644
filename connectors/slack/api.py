"""Slack's Web API: a token, a pace, and errors that stand inside of answers."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from warn.ingest.outbound import Outbound
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError

PLACE: Final = "slack"
PER_MINUTE: Final = 45
"""Calls; Slack's Tier 3 allows 50 and more of each method."""
_NO_ENTRY: Final = (
    "make a bot token with channels:history and channels:read at api.slack.com/apps and set it as `token`"
)
_NO_SCOPE: Final = "give the app channels:history and channels:read at api.slack.com/apps and install it anew"
_NO_SOCKET: Final = (
    "make an app-level token with connections:write at api.slack.com/apps and set it as `app_token`"
)
REMEDIES: Final = {401: _NO_ENTRY}

_AUTH: Final = {
    **dict.fromkeys(
        (
            "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
            "org_login_required", "ekm_access_denied", "access_denied", "two_factor_setup_required",
        ),
        _NO_ENTRY,
    ),
    **dict.fromkeys(("missing_scope", "not_allowed_token_type"), _NO_SCOPE),
}  # fmt: skip
_SERVER: Final = frozenset({"internal_error", "fatal_error", "service_unavailable", "team_added_to_org"})


_OF_ONE: Final = frozenset({"not_in_channel", "channel_not_found"})


class OneChannelError(Exception):
    """One channel cannot be read, for a reason of its own. `error`: what to say of it."""

    def __init__(self, error: WarnError) -> None:
        super().__init__(str(error))
        self.error = error


def error_of(code: object, channel: str = "", *, app: bool = False) -> WarnError:
    """What an `error` in an answer means. Only codes that are known are named: an answer is not quoted."""
    where = f"{PLACE}: channel {channel}" if channel else PLACE
    code = code if isinstance(code, str) else ""
    if code in _AUTH:
        return TemporaryError(
            f"{PLACE}: it refuses us ({code}); {_NO_SOCKET if app else _AUTH[code]}", reason=Reason.AUTH
        )
    if code == "not_in_channel":
        return TemporaryError(
            f"{where}: the app is not in it; invite it there with /invite", reason=Reason.AUTH
        )
    if code == "channel_not_found":
        return PermanentError(
            f"{where} is not there, or is private; take it out of `channels`", reason=Reason.CONFIG
        )
    if code in {"ratelimited", "rate_limited"}:
        return TemporaryError(f"{PLACE}: too many requests", reason=Reason.RATE_LIMITED, retry_after_s=30.0)
    if code == "request_timeout":
        return TemporaryError(f"{PLACE}: no answer in time", reason=Reason.TIMEOUT)
    if code in _SERVER:
        return TemporaryError(f"{PLACE}: a fault of its own ({code})", reason=Reason.SERVER)
    return TemporaryError(f"{where}: it says no, with an error that warn does not know", reason=Reason.CLIENT)


class Api:
    """Calls methods through `out`."""

    def __init__(self, out: Outbound, base: str, token: str) -> None:
        self._out, self._base = out, base.rstrip("/")
        self._token = token
        self._calls: deque[float] = deque(maxlen=PER_MINUTE)

    async def call(self, method: str, params: Mapping[str, str]) -> dict[str, Any]:
        """The answer of a method that reads. Raises as `Outbound` does, what stands in the answer, and OneChannelError."""
        await self._pace()
        answer = await self._out.get(f"{self._base}/{method}", params=params, headers=_bearer(self._token))
        return _checked(answer.body, params.get("channel", ""))

    async def socket(self, app_token: str) -> str:
        """Where to open a socket for Socket Mode."""
        await self._pace()
        answer = await self._out.post(f"{self._base}/apps.connections.open", headers=_bearer(app_token))
        url = _checked(answer.body, app=True).get("url")
        schemes = ("wss://",) if self._base.startswith("https:") else ("wss://", "ws://")
        if not isinstance(url, str) or not url.startswith(schemes):
            raise TemporaryError(f"{PLACE}: it names no socket to open", reason=Reason.MALFORMED)
        return url

    async def _pace(self) -> None:
        """Wait while a minute's calls have been made."""
        now = asyncio.get_running_loop().time()
        if len(self._calls) == PER_MINUTE and now - self._calls[0] < 60.0:
            await asyncio.sleep(60.0 - (now - self._calls[0]))
        self._calls.append(asyncio.get_running_loop().time())


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _checked(body: bytes, channel: str = "", *, app: bool = False) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TemporaryError(f"{PLACE}: what it answers cannot be read", reason=Reason.MALFORMED) from None
    if said.get("ok") is not True:
        error = error_of(said.get("error"), channel, app=app)
        if channel and said.get("error") in _OF_ONE:
            raise OneChannelError(error)
        raise error
    return said
