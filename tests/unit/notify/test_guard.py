"""What is told over HTTP is told to the open internet, and inside only where the settings list it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.unit.notify.test_heartbeat import Monitor
from warn.model.errors import PermanentError, Reason
from warn.notify.http import Http
from warn.settings.load import load
from warn.settings.secret import SettingsError

INSIDE = (
    "http://127.0.0.1{port}/in", "http://2130706433{port}/in", "http://0x7f.1{port}/in", "http://127.1{port}/in",
    "http://[::ffff:7f00:1]{port}/in", "http://[::1]{port}/in", "http://localhost{port}/in", "http://0.0.0.0{port}/in",
    "http://u:p@127.0.0.1{port}/in", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://192.168.1.1/",
    "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1]/",
    "https://1.1.1.1:8443/",
)  # fmt: skip


@asynccontextmanager
async def open_at(monitor: Monitor) -> AsyncIterator[int]:
    """The port where it listens."""
    server = await asyncio.start_server(monitor.answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize("url", INSIDE)
async def test_nothing_inside_is_told_unasked(url: str) -> None:
    monitor = Monitor(200)
    async with open_at(monitor) as port:
        http = Http("hook", deadline_s=3)
        try:
            with pytest.raises(PermanentError, match="list it as host:port") as caught:
                await http.post(url.format(port=f":{port}"), b"{}", {})
            assert caught.value.reason is Reason.CONFIG
            assert "127" not in str(caught.value) and not monitor.asked
        finally:
            await http.close()


async def test_what_is_listed_is_told_and_nothing_beside_it() -> None:
    monitor, other = Monitor(200), Monitor(200)
    async with open_at(monitor) as one, open_at(other) as two:
        http = Http("hook", deadline_s=3, inside=[f"127.0.0.1:{one}"])
        try:
            await http.get(f"http://127.0.0.1:{one}/in")
            with pytest.raises(PermanentError):
                await http.get(f"http://127.0.0.1:{two}/in")
            assert monitor.asked and not other.asked
        finally:
            await http.close()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/in", "http://localhost/t0ken", "https://10.0.0.7/in", "https://x.example:8443/in"],
)
def test_what_will_not_be_dialled_is_told_before_the_first_page(tmp_path: Path, url: str) -> None:
    config = tmp_path / "warn.yaml"
    hook = f"notifiers:\n  hook:\n    type: webhook\n    url: '{url}'\n    secret: whsec_{'QUFB' * 10}QUE=\n"
    config.write_text(hook)
    with pytest.raises(SettingsError, match="list what is meant as host:port") as caught:
        load(config)
    assert "t0ken" not in str(caught.value)
    config.write_text(f"heartbeat: {{urls: ['{url}']}}\n")
    with pytest.raises(SettingsError, match="list what is meant as host:port") as caught:
        load(config)
    assert "t0ken" not in str(caught.value)
    parts = urlsplit(url)
    config.write_text(
        f"{hook}    inside: ['{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}']\n"
    )
    load(config)
