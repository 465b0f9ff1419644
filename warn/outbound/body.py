"""A body as it comes in: counted while it is read, unpacked no further than is allowed."""

import zlib
from collections.abc import AsyncIterator
from typing import Final

from warn.model.errors import PermanentError, Reason, TemporaryError

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_HEAD: Final = 1_024
"""Packed bytes count, too: they may unpack to nothing, without end. What cannot be packed grows a little."""


async def read_body(place: str, encoding: str, chunks: AsyncIterator[bytes], most: int) -> bytes:
    """All of it, unpacked. Raises PermanentError (hostile) above `most` bytes, TemporaryError (malformed) where it cannot
    be unpacked.
    """
    encoding = encoding.strip().lower()
    packed = encoding not in {"", "identity"}
    if packed and encoding not in {"gzip", "x-gzip", "deflate"}:
        raise PermanentError(
            f"{place}: it answers in an encoding that nobody asked for", reason=Reason.MALFORMED
        )
    unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
    body, came = bytearray(), 0
    async for chunk in chunks:
        came += len(chunk)
        if not packed:
            body += chunk
        elif not _unpack(unpack, chunk, body, most):
            raise TemporaryError(f"{place}: its answer cannot be unpacked", reason=Reason.MALFORMED)
        if len(body) > most or came > 2 * most + _HEAD:
            raise PermanentError(
                f"{place}: its answer is larger than {most:,} bytes, which is as much as is read",
                reason=Reason.HOSTILE,
            )
    if packed and came and not unpack.eof:
        raise TemporaryError(f"{place}: its answer ends in the middle", reason=Reason.MALFORMED)
    return bytes(body)


def _unpack(unpack: "zlib._Decompress", chunk: bytes, body: bytearray, most: int) -> bool:
    """Add what the chunk holds, one byte more than is allowed at most, so that too much can be told from just enough.

    What follows after the end of the packed part is left out, as browsers do.
    """
    if unpack.eof:
        return True
    try:
        body += unpack.decompress(chunk, most + 1 - len(body))
    except zlib.error:
        return False
    return True
