"""Spaces that warn does not listen to, as far as a name can tell."""

import re
from typing import Final

from warn.match.fold import fold

_PARTS: Final = re.compile(r"[^\w]+|_+|(?<=[a-z])(?=[A-Z])")
_REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "direct messages": (
        "dm", "dms", "direct message", "direct messages", "directmessage", "directmessages",
        "private", "private message", "private messages", "privatemessages", "private channel", "im", "ims",
        "inbox", "privebericht", "priveberichten", "privé", "prive",
    ),
    "a union": (
        "union", "unions", "trade union", "labor union", "labour union", "vakbond", "vakbonden", "fnv", "cnv",
        "shop steward", "shop stewards",
    ),
    "a works council": (
        "works council", "workscouncil", "ondernemingsraad", "betriebsrat", "or leden", "medezeggenschap",
    ),
    "a confidential adviser": (
        "confidential", "confidential adviser", "confidential advisor", "vertrouwenspersoon",
        "vertrouwenspersonen", "whistleblower", "whistleblowers", "whistleblowing", "klokkenluider",
        "klokkenluiders", "ombudsman", "ombudsperson", "speakup", "speak up",
    ),
}  # fmt: skip


def why_refused(source: str) -> str | None:
    """Why a source of this name may not be listened to, or None."""
    words = " ".join(fold(p) for p in _PARTS.split(source) if p)
    for space, names in _REFUSED.items():
        for name in names:
            if f" {name} " in f" {words} ":
                return (
                    f"`{source}` reads like {space}, and warn does not listen there (docs/rules.md, What "
                    "warn refuses); "
                    "if it is something else, give the connector a name that says so"
                )
    return None
