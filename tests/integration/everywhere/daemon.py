"""The daemon as a process of its own, set up to listen to a whole world of sources."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from tests.contract.connectors import test_discourse, test_zendesk, workspace
from tests.integration.everywhere.world import World, iso, of, write_lines

ROOT: Final = Path(__file__).resolve().parents[3]
KEY: Final = "k" * 40
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN: Final = "t0ken-of-whoever-sends"
RULES: Final = """\
version: 1
brand: Acme
mode: live
usual: {mentions: 2 per day}
channels: {care: {role: care}, press: {role: press}, helpdesk: {role: care}}
topics: {acme: {any: [Acme]}}
groups:
  - name: acme
    rules:
      - alert: AcmeMany
        topic: acme
        watch: [mentions]
        detector: {threshold: {above: 5, window: 10m}}
        at_least: [{mentions: 3, authors: 1}]
        severity: page
"""


class Daemon:
    """A warn with a folder of its own, over a world that is open."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "rules").mkdir()
        (folder / "rules" / "acme.yaml").write_text(RULES)
        (folder / "warn.yaml").write_text(json.dumps(self._settings(write_lines(folder / "drop", world))))
        (folder / "warn.yaml").chmod(0o600)
        self.process: asyncio.subprocess.Process | None = None
        self.log, self.out = folder / "log.jsonl", folder / "out.txt"

    def _settings(self, drop: Path) -> dict[str, Any]:
        at, web = self.world.at, self.world.at["web"]

        def inside(name: str) -> list[str]:
            return [at[name].inside]

        return {
            "hash_key": KEY,
            "web": {"port": self.port},
            "log": {"format": "json", "level": "debug"},
            "notifiers": {
                "hook": {"type": "webhook", "url": f"{web.url}/page", "secret": SECRET, "inside": [urlsplit(web.url).netloc]},
                "terminal": {"type": "console"},
            },
            "connectors": {
                "bluesky": {"type": "bluesky", "hosts": [at["bluesky"].ws], "inside": inside("bluesky")},
                "mastodon": {"type": "mastodon", "every": 10, "inside": [*inside("mastodon"), web.inside], "servers": [
                    {"host": at["mastodon"].url, "token": "t0k3n"}, {"host": web.url}]},
                "hackernews": {"type": "hackernews", "terms": ["Acme"], "search_url": f"{at['hackernews'].url}/api/v1",
                               "live_url": f"{at['hackernews'].url}/v0", "every": 20, "inside": inside("hackernews")},
                "press": {"type": "rss", "feeds": [f"{web.url}/feed"], "role": "press", "inside": inside("web")},
                "moved": {"type": "rss", "feeds": [f"{web.url}/moved"], "inside": inside("web")},
                "gone": {"type": "rss", "feeds": [f"{web.url}/gone"], "inside": inside("web")},
                "gdelt": {"type": "gdelt", "terms": ["Acme"], "url": f"{web.url}/doc", "inside": inside("web")},
                "wiki": {"type": "wikimedia", "terms": ["Acme"], "url": f"{at['wiki'].url}/v2/stream/recentchange",
                         "inside": inside("wiki")},
                "trends": {"type": "trends", "mastodon": [at["trends"].url], "bluesky": at["trends"].url, "google": ["NL"],
                           "google_url": at["trends"].url, "inside": inside("trends")},
                "forum": {"type": "discourse", "url": f"{at['forum'].url}/forum", "every": 10, "inside": inside("forum")},
                "care": {"type": "zendesk", "url": f"{at['care'].url}/api/v2", "email": "agent@acme.example",
                         "token": test_zendesk.TOKEN, "inside": inside("care")},
                "staff": {"type": "slack", "channels": ["C0NEWS", "C0HELP"], "token": workspace.BOT,
                          "app_token": workspace.APP, "governance": test_discourse.GOVERNANCE,
                          "url": f"{at['staff'].url}/api", "inside": inside("staff")},
                "drop": {"type": "files", "paths": [str(drop)], "every": 0.1},
                "pipe": {"type": "stdin"},
                "hook": {"type": "webhook", "secrets": [SECRET]},
                "listening": {"type": "webhook", "scheme": "token", "secrets": [TOKEN], "mapping": "brandwatch"},
                "mail": {"type": "webhook", "scheme": "token", "secrets": [TOKEN], "mapping": "email", "role": "care"},
                # Its role stands in the rule file alone, and under the source's name, which is not the connector's.
                "letters": {"type": "webhook", "scheme": "token", "secrets": [TOKEN], "source": "helpdesk"},
            },
        }  # fmt: skip

    async def start(self, piped: str = "") -> None:
        """Until it is ready. `piped`: what comes by standard input."""
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.log.open("a") as log, self.out.open("a") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "warn",
                "run",
                cwd=self.folder,
                env=env,
                stdin=-1,
                stdout=out,
                stderr=log,
            )
        await self.until(self._ready)
        assert self.process.stdin is not None
        self.process.stdin.write(piped.encode())
        await self.process.stdin.drain()

    async def _ready(self) -> bool:
        return (await self.get("/-/ready")).status_code == 200

    async def get(self, path: str) -> httpx2.Response:
        try:
            async with httpx2.AsyncClient(trust_env=False) as client:
                return await client.get(self.url + path)
        except httpx2.TransportError:
            return httpx2.Response(503)

    async def push(self, name: str, body: object, headers: dict[str, str] | None = None) -> int:
        """Send it something as whoever may."""
        said = body if isinstance(body, bytes) else json.dumps(body).encode()
        sealed = headers if headers is not None else {"authorization": f"Bearer {TOKEN}"}
        if name == "hook":
            at, key = str(int(time.time())), base64.b64decode(SECRET.removeprefix("whsec_"))
            mac = hmac.new(key, f"m{at}.{at}.".encode() + said, hashlib.sha256).digest()
            sealed = {
                "webhook-id": f"m{at}",
                "webhook-timestamp": at,
                "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
            }
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.post(f"{self.url}/in/{name}", content=said, headers=sealed)).status_code

    async def push_all(self) -> None:
        """What is sent by those that are not asked, and pieces of it that cannot be read."""
        told: list[object] = [
            {
                "id": f"https://x.example/@{one.handle}",
                "text": one.says(),
                "author": one.handle,
                "created_at": iso(time.time()),
            }
            for one in of("hook")
        ]
        assert (
            await self.push("hook", {"type": "mention", "data": [*told, {"author": of("hook")[0].handle}]})
            == 200
        )
        rows = [
            {"resourceId": f"r/{one.handle}", "date": iso(time.time()), "fullText": one.says(), "authorId": str(one.number),
             "author": one.handle, "fullname": one.name, "avatarUrl": f"https://x.example/{one.handle}.png",
             "url": f"https://twitter.com/{one.handle}/1", "contentSource": "forum"}
            for one in of("listening")
        ]  # fmt: skip
        assert (
            await self.push("listening", {"results": [*rows, {"author": of("listening")[0].handle}]}) == 200
        )
        for one in of("mail"):
            mail = {"MessageID": one.mail, "Date": iso(time.time()), "TextBody": one.says(), "Subject": one.name,
                    "FromFull": {"Email": one.mail, "Name": one.name}}  # fmt: skip
            assert await self.push("mail", mail) == 200
        assert await self.push("mail", {"From": of("mail")[0].mail, "Date": "never"}) == 200
        letter = {
            "author": of("mail")[0].handle,
            "text": of("mail")[0].says(),
            "created_at": iso(time.time()),
        }
        assert await self.push("letters", [letter, {**letter, "id": "a letter"}]) == 200
        await self.push(
            "listening", of("hook")[0].says().encode(), {"authorization": f"Bearer {of('hook')[0].handle}"}
        )
        await self.push("listening", of("hook")[0].says().encode())
        await self.push(of("hook")[0].handle, {})

    async def until(self, so: Any, seconds: float = 45) -> None:
        """Until it is so."""
        end = time.monotonic() + seconds
        while not await so():
            assert self.process is not None and self.process.returncode is None, self.log.read_text()[-3000:]
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            await asyncio.sleep(0.1)

    async def warn(self, *args: str, stdin: str = "") -> tuple[int, bytes]:
        """A command beside it: its exit code, and all that it says."""
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "warn", *args, cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=-1, stdout=-1, stderr=-2,
        )  # fmt: skip
        said, _ = await done.communicate(stdin.encode())
        return done.returncode or 0, said

    async def stop(self) -> None:
        """In order."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 25)
