"""A body as it comes in: counted while it is read, unpacked no further than is allowed."""

import zlib
from collections.abc import AsyncIterator
from typing import Final

from warn.model.errors import PermanentError, Reason

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


async def read_body(place: str, encoding: str, chunks: AsyncIterator[bytes], most: int) -> bytes:
    """All of it, unpacked. Raises PermanentError (hostile) above `most` bytes, (malformed) where it cannot be unpacked."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        unpack = None
    elif encoding in {"gzip", "x-gzip", "deflate"}:
        unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
    else:
        raise PermanentError(
            f"{place}: it answers in an encoding that nobody asked for", reason=Reason.MALFORMED
        )
    body = bytearray()
    async for chunk in chunks:
        if unpack is None:
            body += chunk
        else:
            try:
                # One byte more than is allowed, so that too much can be told from just enough.
                body += unpack.decompress(chunk, most + 1 - len(body))
            except zlib.error:
                raise PermanentError(
                    f"{place}: its answer cannot be unpacked", reason=Reason.MALFORMED
                ) from None
        if len(body) > most:
            raise PermanentError(
                f"{place}: its answer is larger than {most:,} bytes, which is as much as is read",
                reason=Reason.HOSTILE,
            )
    if unpack is not None and body and not unpack.eof:
        raise PermanentError(f"{place}: its answer ends in the middle", reason=Reason.MALFORMED)
    return bytes(body)
