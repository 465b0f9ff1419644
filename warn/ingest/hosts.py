"""Hosts as people write them in settings: a name, with or without a port and a scheme."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def host_address(said: str, schemes: Mapping[str, str], like: str) -> str:
    """`scheme://host[:port]` without a slash at its end. `schemes`: what may be written, "" for nothing, and what it
    becomes; `like`: what would be right, for the error. Raises ValueError.
    """
    scheme, separator, rest = said.rpartition("://")
    parts = urlsplit(f"//{rest.rstrip('/')}")
    beside = parts.username or parts.password or parts.path or parts.query or parts.fragment
    if bool(separator) != bool(scheme) or scheme not in schemes or not parts.hostname or beside:
        raise ValueError(f"a host is {like}")
    _ = parts.port  # raises for what is none
    return f"{schemes[scheme]}://{parts.netloc.lower()}"
