"""The setting of all that is told something over HTTP: which places inside may be dialled."""

from typing import Annotated

from pydantic import AfterValidator

from warn.outbound.address import places


def _sound(inside: tuple[str, ...]) -> tuple[str, ...]:
    places(inside)
    return inside


Inside = Annotated[tuple[str, ...], AfterValidator(_sound)]
"""`host:port` of our own network, such as that of an Alertmanager; every other address inside is refused."""
