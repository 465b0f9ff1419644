"""Posts of a Discourse forum that nobody is to read any more."""

import asyncio
from contextlib import aclosing

from tests.contract.connectors.service import serve
from tests.contract.connectors.test_discourse import KEY, Forum, post


async def test_what_goes_where_not_everybody_may_follow_is_deleted() -> None:
    forum = Forum([post(n) for n in range(1, 9)])
    forum.closed = {9}
    async with serve(forum.app) as address:
        forum.base = address.url
        read = forum.connector(api_key=KEY, categories=(4,)).batches(None)
        async with asyncio.timeout(10), aclosing(read):
            await anext(read)
            forum.posts[7]["category_id"] = 9
            forum.posts.append(post(10, category_id=5))
            forum.posts[6]["category_id"] = 5  # out of what we listen to, and still for everybody
            changed = await anext(read)
    assert [item.id for item in changed.items if item.kind == "delete"] == ["11/8"]
