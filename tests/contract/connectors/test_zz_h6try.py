import asyncio, json
from warn.ingest.connector import Batch, Cursor
from warn.ingest.outbound import Outbound
from warn.model.errors import *
from tests.contract.connectors.faults import STREAM, check_faults, inside
from tests.contract.connectors.service import serve
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

class Poll:
    name = source = "forum"
    def __init__(self, url, post=False): self.url=url; self.post=post
    async def batches(self, cursor):
        async with Outbound("forum", inside=(inside(self.url),), headers={"authorization":"Bearer s3cret"}, remedies={401:"make a new key"}) as out:
            a = await (out.post if self.post else out.get)(self.url+"/x?key=s3cret")
            try: got = json.loads(a.body)
            except ValueError: raise TemporaryError("forum: no JSON", reason=Reason.MALFORMED) from None
            yield Batch()

class Ws(Poll):
    async def batches(self, cursor):
        async with Outbound("forum", inside=(inside(self.url),), headers={"authorization":"Bearer s3cret"}, remedies={401:"make a new key"}) as out, out.frames("ws"+self.url[4:]+"/x?key=s3cret") as f:
            await f.receive()
            yield Batch()
class Sse(Poll):
    async def batches(self, cursor):
        async with Outbound("forum", inside=(inside(self.url),), headers={"authorization":"Bearer s3cret"}, remedies={401:"make a new key"}) as out, out.events(self.url+"/x?key=s3cret") as f:
            await f.receive()
            yield Batch()

async def test_poll(): await check_faults(Poll, place="forum", remedy="make a new key", secrets=["s3cret"])
async def test_post(): await check_faults(lambda u: Poll(u, True), place="forum", remedy="make a new key", secrets=["s3cret"])
async def test_ws(): await check_faults(Ws, but=STREAM, place="forum", remedy="make a new key", secrets=["s3cret"])
async def test_sse(): await check_faults(Sse, but=STREAM, place="forum", remedy="make a new key", secrets=["s3cret"])

async def test_serve():
    async def hi(r): return JSONResponse({"a":1})
    async def sse(r):
        async def gen():
            while True:
                yield b"data: 1\n\n"
                await asyncio.sleep(0.01)
        return StreamingResponse(gen(), media_type="text/event-stream")
    async def ws(w):
        await w.accept()
        while True:
            await w.send_text("hi"); await asyncio.sleep(0.01)
    async with serve(Starlette(routes=[Route("/", hi), Route("/sse", sse), WebSocketRoute("/ws", ws)])) as a:
        async with Outbound("x", inside=(a.inside,)) as out:
            assert (await out.get(a.url+"/")).body == b'{"a":1}'
            async with out.events(a.url+"/sse") as e:
                assert (await e.receive()).data == "1"
            async with out.frames(a.ws+"/ws") as f:
                assert await f.receive() == "hi"
                async with out.events(a.url+"/sse") as e:
                    await e.receive()
