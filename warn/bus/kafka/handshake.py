"""Two looks at a port by TLS alone, to tell why the first talk with it failed. Nothing is said over what they open."""

import asyncio
import ssl
from pathlib import Path
from typing import Any


async def speaks_tls(host: str, port: int, limit_s: float) -> bool:
    """Does anything there shake hands for TLS, whoever it is?"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        await _peer(host, port, context, limit_s)
    except ssl.SSLError as e:
        return "ALERT" in (e.reason or "")  # it has refused us in TLS's own words
    except OSError:
        return False
    return True


async def names_in_certificate(host: str, port: int, ca: Path | None, limit_s: float) -> str:
    """Those in a certificate that is sound but for the host; empty where it is not."""
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    try:
        peer = await _peer(host, port, context, limit_s)
    except OSError:
        return ""
    return ", ".join(str(value) for _, value in peer.get("subjectAltName", ()))


async def _peer(host: str, port: int, context: ssl.SSLContext, limit_s: float) -> dict[str, Any]:
    """The certificate that is shown there. Raises `OSError`, of which TLS's errors and a passed deadline are kinds."""
    async with asyncio.timeout(limit_s):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    peer: dict[str, Any] = writer.get_extra_info("peercert") or {}
    writer.transport.abort()
    return peer
