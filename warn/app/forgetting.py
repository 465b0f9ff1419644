"""Reaching whoever holds the bus, to have an author erased: the running daemon, or nobody, and then it is done here."""

import time
from contextlib import AsyncExitStack

import httpx2
import msgspec

from warn.app.address import address
from warn.app.common_key import agree
from warn.app.engine import embedded
from warn.app.erasing import SETTLED_S, Reply, Wish, asked, sign_wish
from warn.app.kafka import kafka_config
from warn.bus.base import Bus
from warn.model.errors import PermanentError, Reason, TemporaryError
from warn.settings import Settings, hash_key

PATIENCE_S = 600.0
"""Going through everything that is kept takes a while."""


async def forget(settings: Settings, wish: Wish, url: str | None) -> Reply:
    """What became of a wish. Raises WarnError that says what to do."""
    if settings.bus.kafka is None and not settings.data.is_dir():
        raise PermanentError(
            f"{settings.data} is not there, so nothing is kept of anybody; is it the right folder?",
            reason=Reason.CONFIG,
        )
    _as_known(wish.source, wish.author)
    key = hash_key(settings)
    body = msgspec.json.encode(wish)
    signature = sign_wish(key, body)
    answer = await _of_daemon(url or address(settings), body, signature, certain=url is not None)
    if answer is None:
        answer = await _here(settings, key, body, signature)
    try:
        return msgspec.json.decode(answer, type=Reply)
    except msgspec.MsgspecError:
        raise PermanentError(
            "what answers is no daemon of this release; nothing is known of what it did",
            reason=Reason.MALFORMED,
        ) from None


def _as_known(source: str, author: str) -> None:
    """Raises PermanentError where a source of ours tells authors by something else than what was given."""
    name = author.strip().removeprefix("@")
    if source == "bluesky" and not name.startswith("did:"):
        raise PermanentError(
            "Bluesky tells authors by their did (did:plc:...), which a handle leads to: "
            "https://public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle?handle=NAME; give that as --author, and "
            "the handle as --name",
            reason=Reason.CONFIG,
        )
    if source == "mastodon" and "@" not in name:
        raise PermanentError(
            "Mastodon's authors are told with their server: give --author name@server.example",
            reason=Reason.CONFIG,
        )


async def _of_daemon(base: str, body: bytes, signature: str, *, certain: bool) -> bytes | None:
    """What the daemon says; None where none runs."""
    headers = {"content-type": "application/json", "warn-signature": signature}
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
            answer = await client.post(f"{base.rstrip('/')}/-/erase", content=body, headers=headers)
    except httpx2.ConnectError:
        if certain:
            raise TemporaryError(f"no daemon answers at {base}", reason=Reason.NETWORK) from None
        return None
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise TemporaryError(
            f"the daemon at {base} did not answer as one; nothing is known of what it did: erase again",
            reason=Reason.NETWORK,
        ) from None
    if answer.status_code != 200:
        raise PermanentError(
            f"the daemon at {base} refused: {answer.text.strip()[:300]}", reason=Reason.REFUSED
        )
    return answer.content


async def _here(settings: Settings, key: bytes, body: bytes, signature: str) -> bytes:
    """On the bus itself. The embedded one is locked by a daemon that runs, so this cannot come between."""
    async with AsyncExitStack() as stack:
        bus: Bus
        if settings.bus.kafka is None:
            bus = await embedded(settings)
        else:
            # Here, not above: who does not use Kafka need not wait for its client.
            from warn.bus.kafka import KafkaBus

            bus = await KafkaBus.start(kafka_config(settings))
        stack.push_async_callback(bus.close)
        if settings.bus.kafka is not None:
            await agree(bus, key)
        alone = settings.bus.kafka is None
        return await asked(bus, key, body, signature, int(time.time()), settled_s=0.0 if alone else SETTLED_S)
