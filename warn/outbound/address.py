"""Which addresses may be dialled where a person or a feed names the host: those of the open internet, and no other.

Python's own idea of a global address was wrong for some ranges before 3.11.10 and 3.12.4, so those that lead inside by
another road are listed here.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

PORTS: Final = frozenset({80, 443})
_INSIDE: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "100.64.0.0/10",  # shared by carriers
        "168.63.129.16/32",  # a cloud's own service, at an address that looks public
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "240.0.0.0/4",  # reserved
        "2001::/23",  # Teredo and other assignments
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # examples in books
    )
)
_IPV6: Final = ip_network("2000::/3")
"""All that is given out; what lies outside of it is local, reserved, or an IPv4 address in disguise (NAT64 and such)."""


def is_open(address: str) -> bool:
    """Whether this is an address of the open internet. What is no address is not."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return _is_open(ip.ipv4_mapped)
        return ip in _IPV6 and _is_open(ip)
    return _is_open(ip)


def is_address(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_open(ip: IPv4Address | IPv6Address) -> bool:
    if not ip.is_global or ip.is_multicast:
        return False
    return not any(ip.version == network.version and ip in network for network in _INSIDE)


def places(inside: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Hosts and ports of `host:port`, as settings list them. Raises ValueError."""
    found: set[tuple[str, int]] = set()
    for one in inside:
        host, colon, port = one.strip().lower().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise ValueError(f"{one!r} is no host:port, such as forum.intra.example:443")
        found.add((host, int(port)))
    return frozenset(found)
