"""Requests over real sockets: what services may do to us, and that nothing of ours stands in what is said of it."""

import gzip
import zlib
from collections.abc import AsyncIterator
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.connectors.service import raw
from tests.unit.outbound.guarded import secrets_in
from tests.unit.outbound.serving import (
    KEY,
    QUERY,
    REMEDIES,
    SECRETS,
    answering,
    error_of,
    http,
    ok,
    out,
)
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound.answer import refusal, reset_after, retry_after
from warn.outbound.body import read_body


async def test_an_answer() -> None:
    heads: list[bytes] = []
    async with (
        raw(answering(ok(gzip.compress(b"zipped"), "content-encoding: gzip"), heads=heads)) as address,
        out(address) as forum,
    ):
        answer = await forum.get(
            f"{address.url}/x?a=1", params=[("b", "2"), ("b", "3")], headers={"X-More": "m"}
        )
    assert (answer.status, answer.body, answer.moved) == (200, b"zipped", False)
    assert answer.headers["content-encoding"] == "gzip" and answer.url == f"{address.url}/x?a=1&b=2&b=3"
    head = heads[0].decode().lower()
    assert (
        head.startswith("get /x?a=1&b=2&b=3 http/1.1\r\n") and f"bearer {KEY}" in head and "x-more: m" in head
    )
    assert "user-agent: warn-daemon/" in head and "accept-encoding: gzip\r\n" in head


async def test_a_post() -> None:
    heads: list[bytes] = []
    async with (
        raw(answering(ok(), http(307, "location: /again"), heads=heads)) as address,
        out(address) as forum,
    ):
        assert (await forum.post(f"{address.url}/x", content=b"")).body == b"fine"
        with pytest.raises(PermanentError, match="final address"):
            await forum.post(f"{address.url}/x", content=b"")
    assert len(heads) == 2 and heads[0].startswith(b"POST /x ")


@pytest.mark.parametrize(
    ("status", "headers", "kind", "reason", "after"),
    [
        (401, (), TemporaryError, Reason.AUTH, None),
        (403, ("retry-after: 5",), TemporaryError, Reason.AUTH, 5.0),
        (404, (), PermanentError, Reason.CLIENT, None),
        (408, (), TemporaryError, Reason.TIMEOUT, None),
        (410, (), PermanentError, Reason.GONE, None),
        (418, (), PermanentError, Reason.CLIENT, None),
        (429, ("retry-after: 37",), TemporaryError, Reason.RATE_LIMITED, 37.0),
        (429, ("retry-after: soon",), TemporaryError, Reason.RATE_LIMITED, None),
        (500, (), TemporaryError, Reason.SERVER, None),
        (503, ("retry-after: 1",), TemporaryError, Reason.SERVER, 1.0),
        (304, (), PermanentError, Reason.CLIENT, None),
        (302, (), PermanentError, Reason.CLIENT, None),
    ],
)
async def test_statuses(
    status: int, headers: tuple[str, ...], kind: type[WarnError], reason: Reason, after: float | None
) -> None:
    body = f"{KEY} is not valid".encode()
    async with raw(answering(http(status, *headers, body=body))) as address:
        error = await error_of(address)
    assert type(error) is kind and error.reason is reason and getattr(error, "retry_after_s", None) == after
    if status in {401, 403}:
        assert "make a new token" in str(error)


async def test_what_is_accepted_besides() -> None:
    async with raw(answering(http(304, 'etag: "x"'))) as address, out(address) as forum:
        assert (await forum.get(address.url, accept=(304,))).headers["etag"] == '"x"'


async def test_redirects_are_followed_three_times() -> None:
    there = http(301, "location: /b"), http(308, "location: c"), http(301, "location: ./d?e=1#f"), ok()
    async with raw(answering(*there)) as address, out(address) as forum:
        answer = await forum.get(f"{address.url}/a")
        assert (answer.body, answer.moved, answer.url) == (b"fine", True, f"{address.url}/d?e=1#f")
    async with (
        raw(answering(http(301, "location: /b"), http(302, "location: /c"), ok())) as address,
        out(address) as forum,
    ):
        answer = await forum.get(f"{address.url}/a")
        assert answer.body == b"fine" and not answer.moved
    async with raw(answering(http(302, "location: /again"))) as address:
        assert "round in circles" in str(await error_of(address))


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest", "file:///etc/passwd", "ftp://127.0.0.1/", "//127.0.0.1:22/", "http://[::1",
     "http://127.0.0.1:22/", "http://user@127.0.0.1/", "gopher://x/", "http://\\", "http://2130706433/", "x" * 70_000],
)  # fmt: skip
async def test_no_redirect_leads_inside(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[tuple[str, int]] = []
    async with raw(answering(http(302, f"location: {location}"))) as address, out(address) as forum:
        real = forum._guard._net.connect_tcp

        async def noted(host: str, port: int, *rest: object, **named: object) -> object:
            dialled.append((host, port))
            return await real(host, port, *rest, **named)

        monkeypatch.setattr(forum._guard._net, "connect_tcp", noted)
        with pytest.raises(WarnError) as caught:
            await forum.get(f"{address.url}/?token={QUERY}")
    assert dialled == [("127.0.0.1", address.port)]
    assert (
        caught.value.reason in {Reason.HOSTILE, Reason.MALFORMED, Reason.NETWORK}
        and secrets_in(caught.value, SECRETS) == []
    )


async def test_nobody_outside_sends_us_to_a_place_inside() -> None:
    """What the settings list is for the connector, not for whoever it asks."""
    async with (
        raw(answering(ok())) as forum,
        raw(answering(http(302, f"location: {forum.url}/admin"))) as feed,
    ):
        async with out(forum, feed) as both:
            assert (await both.get(feed.url)).body == b"fine"
        async with out(forum, feed) as both:
            both._inside = frozenset(
                {("127.0.0.1", forum.port)}
            )  # the feed stands for one of the open internet
            with pytest.raises(PermanentError, match="not of the open internet"):
                await both.get(feed.url)


async def test_keys_stay_with_their_host() -> None:
    heads: list[bytes] = []
    async with raw(answering(ok(), heads=heads)) as other:
        async with (
            raw(answering(http(302, f"location: {other.url}/x"), heads=heads)) as address,
            out(address, other) as forum,
        ):
            await forum.get(address.url, headers={"x-api-key": KEY})
        assert KEY.encode() in heads[0] and KEY.encode() not in heads[1]


async def test_nobody_marks_us() -> None:
    heads: list[bytes] = []
    async with (
        raw(answering(ok(b"x", "set-cookie: id=1; path=/"), heads=heads)) as address,
        out(address) as forum,
    ):
        for _ in range(2):
            await forum.get(address.url)
    assert b"cookie" not in heads[1].lower()


@pytest.mark.parametrize("size", [99, 100, 101])
@pytest.mark.parametrize("packed", [True, False])
async def test_as_much_as_is_allowed_and_no_more(size: int, packed: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        data = gzip.compress(b"x" * size) if packed else b"x" * size
        for i in range(0, len(data), 7):
            yield data[i : i + 7]

    reading = read_body("the forum", "gzip" if packed else "", chunks(), 100)
    if size <= 100:
        assert await reading == b"x" * size
    else:
        with pytest.raises(PermanentError, match="larger than 100 bytes"):
            await reading


async def test_an_empty_body_needs_no_packing() -> None:
    async with raw(answering(ok(b"", "content-encoding: gzip"))) as address, out(address) as forum:
        assert (await forum.get(address.url)).body == b""
    async with (
        raw(answering(ok(zlib.compress(b"z"), "content-encoding: deflate"))) as address,
        out(address) as forum,
    ):
        assert (await forum.get(address.url)).body == b"z"


@given(st.text(max_size=60))
def test_a_retry_after_is_read_or_left(said: str) -> None:
    after = retry_after({"retry-after": said}, time())
    assert after is None or after >= 0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0", 0.0), ("120", 120.0), ("Thu, 01 Jan 1970 00:17:40 GMT", 60.0), ("Thu, 01 Jan 1970 00:17:40", 60.0),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("１２", None), ("-1", None), ("1.5", None), ("", None),
     ("Thu, 99 Jan 99999 00:00:00 GMT", None), ("9" * 50, 999_999_999.0)],
)  # fmt: skip
def test_retry_after(said: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": said}, 1_000.0) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"x-ratelimit-reset": "1970-01-12T13:48:20.000000Z"}, 100.0), ({"ratelimit-reset": "1000100"}, 900.0),
     ({"ratelimit-reset": "1790000060"}, 900.0), ({"ratelimit-reset": "253"}, 253.0), ({"x-ratelimit-reset": "594.0"}, None),
     ({"x-ratelimit-reset": "1970-01-01T00:00:00Z"}, 0.0), ({"x-ratelimit-reset": "1970-01-12T13:48:20"}, 100.0),
     ({"x-ratelimit-reset": "soon"}, None), ({"x-ratelimit-reset": "-5"}, None), ({"x-ratelimit-reset": "9" * 90}, 900.0),
     ({"x-ratelimit-reset": "١٢"}, None), ({"x-ratelimit-reset": "nan"}, None), ({}, None)],
)  # fmt: skip
def test_when_a_limit_is_counted_anew(headers: dict[str, str], seconds: float | None) -> None:
    assert reset_after(headers, 1_000_000.0) == seconds


def test_a_limit_that_says_when_is_heard_and_retry_after_before_it() -> None:
    headers = {"ratelimit-reset": "30"}
    for status, said, after in (
        (429, headers, 30.0),
        (429, {**headers, "retry-after": "7"}, 7.0),
        (503, headers, None),
    ):
        error = refusal("the forum", status, said, {}, 0.0)
        assert isinstance(error, TemporaryError) and error.retry_after_s == after


def test_a_remedy_is_for_both_ways_of_refusing() -> None:
    assert "make a new token" in str(refusal("the forum", 403, {}, REMEDIES, 0.0))
    assert "make a new token" not in str(refusal("the forum", 404, {}, REMEDIES, 0.0))
