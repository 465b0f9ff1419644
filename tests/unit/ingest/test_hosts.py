"""Hosts as people write them."""

import pytest

from warn.ingest.hosts import host_address

SCHEMES = {"": "wss", "wss": "wss", "ws": "ws"}


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("one.example", "wss://one.example"),
        ("One.Example:8443/", "wss://one.example:8443"),
        ("ws://127.0.0.1:80", "ws://127.0.0.1:80"),
        ("wss://[::1]:443", "wss://[::1]:443"),
    ],
)
def test_a_host(said: str, address: str) -> None:
    assert host_address(said, SCHEMES, "a name") == address


@pytest.mark.parametrize(
    "said",
    [
        "",
        "://x",
        "ftp://x",
        "wss://",
        "a:b@x",
        ":b@x",
        "x/path",
        "x?y=1",
        "x#y",
        "x:port",
        "x:99999",
        "http://[::1",
    ],
)
def test_what_is_none(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the caller's, or the library's
        host_address(said, SCHEMES, "a name")
