"""No address that a person or a feed can name leads inside: not one of these is dialled."""

import asyncio
import socket

import httpcore2
import pytest

from tests.unit.outbound.guarded import Names, noting
from warn.model.errors import PermanentError, Reason, TemporaryError, WarnError
from warn.outbound import Outbound
from warn.outbound.address import is_open, places
from warn.outbound.guard import BlockedError, Guard

OPEN = "93.184.215.14"
TRICKY = (
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1%25lo]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST:80/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://168.63.129.16/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://192.88.99.1/",
    f"http://{OPEN}:22/",
    f"http://{OPEN}:8080/",
    f"https://{OPEN}:25/",
    f"http://user@{OPEN}/",
    f"http://user:word@{OPEN}/",
    f"http://{OPEN}\\@127.0.0.1/",
    f"http://{OPEN}#@127.0.0.1:22/x@127.0.0.1/".replace("#", "%23"),
    "http://127.0.0.1\\.example.org/",
    "http://[::1/",
    "http:///nothing",
    "http:/127.0.0.1/",
    "//127.0.0.1/",
    "http://127.0.0.1%00.example.org/",
    "http://\ud800/",
    "http://x:99999/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:70/_x",
    "dict://127.0.0.1/",
    "unix:///run/docker.sock",
    "data:text/plain,x",
    "javascript:alert(1)",
    "ws://127.0.0.1/",
    "",
    "http://" + "a" * 70_000,
)


@pytest.mark.parametrize("url", TRICKY, ids=lambda url: ascii(url[:40]))
async def test_a_tricky_address_is_not_dialled(url: str) -> None:
    """Resolved by the machine's own resolver, which knows all these spellings."""
    async with Outbound("the forum", deadline_s=5.0) as out:
        network = noting(out)
        with pytest.raises(WarnError) as caught:
            await out.get(url)
        assert network.dialled == []
    assert isinstance(caught.value, PermanentError) or "cannot be reached" in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


@pytest.mark.parametrize("url", [t for t in TRICKY if t.startswith("http")], ids=lambda url: ascii(url[:40]))
async def test_neither_is_it_by_a_stream(url: str) -> None:
    async with Outbound("the forum", deadline_s=5.0) as out:
        network = noting(out)
        with pytest.raises(WarnError):
            async with out.events(url) as events:
                await events.receive()
        with pytest.raises(WarnError):
            async with out.frames("ws" + url[4:]) as frames:
                await frames.receive()
        assert network.dialled == []


async def test_no_local_listener_hears_anything() -> None:
    """Not by notes but by sockets: one listens on this machine, in both families."""
    heard = 0

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    servers = [await asyncio.start_server(hear, "127.0.0.1", 0)]
    if socket.has_ipv6:
        servers.append(await asyncio.start_server(hear, "::1", 0))
    async with Outbound("the forum", deadline_s=5.0) as out:
        for server in servers:
            port = server.sockets[0].getsockname()[1]
            for host in ("127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "localhost"):
                with pytest.raises(PermanentError, match="not of the open internet"):
                    await out.get(f"http://{host}:{port}/")
    for server in servers:
        server.close()
        await server.wait_closed()
    assert heard == 0


async def test_an_open_address_is_dialled_as_it_was_checked() -> None:
    async with Outbound("the forum", resolve=Names([OPEN])) as out:
        network = noting(out)
        with pytest.raises(TemporaryError, match="cannot be reached"):
            await out.get("https://forum.example/")
        assert network.dialled == [(OPEN, 443)]


@pytest.mark.parametrize(
    "answers",
    [[OPEN, "127.0.0.1"], ["::1", OPEN], [OPEN, "169.254.169.254"], [OPEN, "fe80::1%eth0"], [OPEN, "?"]],
)
async def test_a_name_with_one_address_inside_is_refused_whole(answers: list[str]) -> None:
    async with Outbound("the forum", resolve=Names(answers)) as out:
        network = noting(out)
        with pytest.raises(PermanentError) as caught:
            await out.get("https://forum.example/")
        assert network.dialled == [] and caught.value.reason is Reason.HOSTILE


async def test_a_name_server_that_changes_its_mind_gains_nothing() -> None:
    names = Names([OPEN], ["127.0.0.1"])
    async with Outbound("the forum", resolve=names) as out:
        network = noting(out)
        with pytest.raises(TemporaryError):
            await out.get("http://forum.example/")
        assert network.dialled == [(OPEN, 80)] and names.asked == ["forum.example"]
        with pytest.raises(PermanentError):
            await out.get("http://forum.example/")
        assert network.dialled == [(OPEN, 80)]


async def test_inside_is_exactly_host_and_port() -> None:
    async with Outbound("the forum", inside=("127.0.0.1:8080", "[::1]:81", "Intra.example:22")) as out:
        network = noting(out)
        for url, dialled in (
            ("http://127.0.0.1:8080/", True),
            ("http://127.0.0.1:8081/", False),
            ("http://127.0.0.1/", False),
            ("http://127.1:8080/", False),
            ("http://localhost:8080/", False),
            ("http://[::1]:81/", True),
            ("http://[::1]:8080/", False),
        ):
            with pytest.raises(WarnError):
                await out.get(url)
            assert bool(network.dialled) is dialled, url
            network.dialled.clear()
    async with Outbound("the forum", inside=("Intra.example:22",), resolve=Names(["10.0.0.8"])) as out:
        network = noting(out)
        with pytest.raises(TemporaryError):
            await out.get("http://intra.EXAMPLE:22/")
        assert network.dialled == [("10.0.0.8", 22)]


async def test_a_name_that_is_not_there_says_so() -> None:
    async def fails(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async def never(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with Outbound("the forum", resolve=fails) as out:
        with pytest.raises(TemporaryError, match="cannot be reached"):
            await out.get("http://forum.example/")
    async with Outbound("the forum", resolve=never, deadline_s=0.1) as out:
        with pytest.raises(TemporaryError, match="no answer in time"):
            await out.get("http://forum.example/")


async def test_no_local_socket() -> None:
    with pytest.raises(BlockedError):
        await Guard().connect_unix_socket("/run/docker.sock")


async def test_an_address_that_does_not_answer_leaves_time_for_the_next() -> None:
    shares: list[object] = []

    class Slow(httpcore2.AsyncNetworkBackend):
        async def connect_tcp(self, host: str, port: int, *rest: object, **named: object):
            shares.append(rest[0])
            raise httpcore2.ConnectTimeout("slow")

    guard = Guard(resolve=Names([OPEN, "93.184.215.15"]))
    guard._net = Slow()  # type: ignore[assignment]
    with pytest.raises(httpcore2.ConnectTimeout):
        await guard.connect_tcp("forum.example", 80, 10.0)
    assert shares == [5.0, 5.0]


def test_addresses_of_the_open_internet_are_open() -> None:
    for one in (
        OPEN,
        "1.1.1.1",
        "2606:4700::1111",
        "::ffff:1.1.1.1",
        "2a02:2f0c::1",
        "100.128.0.1",
        "172.32.0.1",
    ):
        assert is_open(one), one
    for one in ("", "forum.example", "1.1.1", "1.1.1.1.1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"):
        assert not is_open(one), one


@pytest.mark.parametrize(
    "bad", ["", "host", "host:", ":80", "host:0", "host:65536", "host:８0", "host:-1", "host:1e3"]
)
def test_inside_says_what_it_takes(bad: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        places([bad])
