"""The setting of connectors and notifiers that says which places inside may be dialled."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from warn.outbound.address import PORTS, is_address, is_open, places


def _sound(inside: tuple[str, ...]) -> tuple[str, ...]:
    places(inside)
    return inside


Inside = Annotated[tuple[str, ...], AfterValidator(_sound)]
"""`host:port` of our own network, such as that of an Alertmanager; every other address inside is refused."""


def check_reachable(url: str, inside: tuple[str, ...]) -> None:
    """Raises ValueError for an address that shows by itself that it will not be dialled: said when settings are read, since
    the first page is too late. Where a name leads is known only when it is looked up. The address is not told: it may be secret.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if (host, port) in places(inside):
        return
    local = host == "localhost" or host.endswith(".localhost") or (is_address(host) and not is_open(host))
    if local or port not in PORTS:
        raise ValueError(
            "only the open internet at ports 80 and 443 is dialled: list what is meant as host:port under `inside`"
        )
