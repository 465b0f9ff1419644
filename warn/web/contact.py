"""Whom to call, as something that a phone can dial or write to."""

from typing import NamedTuple

from warn.web.hostile import clean


class Call(NamedTuple):
    """Whom to call: as written in the rule file, and a tel: or mailto: link where it is a number or an address."""

    name: str
    link: str | None


def contact(owner: str) -> Call | None:
    """`+31 20 123 45 67` becomes a tel: link, `comms@acme.example` a mailto: one, a name stays a name."""
    name = clean(owner, 120)
    if not name:
        return None
    # "Press office, +31 20 123 45 67": what can be dialled or written to stands last.
    reach = name.rpartition(",")[2].strip()
    digits = "".join(c for c in reach if c in "+0123456789")
    if len(digits) >= 5 and all(c in "+0123456789 ()-./" for c in reach):
        return Call(name, f"tel:{digits}")
    local, at, host = reach.partition("@")
    plain = all(c.isascii() and (c.isalnum() or c in ".-_+") for c in local + host)
    return Call(name, f"mailto:{reach}" if at and local and "." in host and plain else None)
