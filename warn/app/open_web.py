"""The part of the public web that anybody may listen to without a key, and what that leaves out."""

from collections.abc import Callable
from typing import Final, NamedTuple

DEAF_TO: Final = (
    "X, Facebook, Instagram, TikTok, LinkedIn, YouTube, Reddit, chat groups, most of Mastodon, comments below news, "
    "radio, television, print, and whatever happens behind a paywall"
)


class Place(NamedTuple):
    """One place: its name as a source, the connector's type, what people call it, and its settings for these terms; None
    where none of them can be looked for there.
    """

    name: str
    type: str
    said: str
    settings: Callable[[list[str]], dict[str, object] | None]
    press: bool = False


MOST_HASHTAGS: Final = 20
MOST_SEARCHED: Final = 50
"""So many terms a place is asked for by name; where everything is read, all are looked for."""
_LONGEST: Final = 100


def _hashtags(terms: list[str]) -> list[str]:
    """Terms as hashtags are written: letters and digits, nothing between."""
    tags = ("".join(c for c in term if c.isalnum()) for term in terms)
    good = (tag for tag in tags if tag and not tag.isdecimal() and len(tag) <= _LONGEST)
    return list(dict.fromkeys(good))[:MOST_HASHTAGS]


def _searched(terms: list[str]) -> dict[str, object] | None:
    """Terms as a search takes them: without the sign in front. A single letter finds everything, signs alone nothing."""
    words = (" ".join(term.replace('"', " ").split()).strip("@#$ ") for term in terms)
    good = (word for word in words if 2 <= len(word) <= _LONGEST and any(c.isalnum() for c in word))
    found = list(dict.fromkeys(good))[:MOST_SEARCHED]
    return {"terms": found} if found else None


OPEN_WEB: Final = (
    Place("bluesky", "bluesky", "Bluesky", lambda _: {}),
    Place(
        "mastodon",
        "mastodon",
        "Mastodon (public posts of two servers)",
        lambda terms: {
            "servers": [{"host": "mastodon.social"}, {"host": "mastodon.nl"}],
            "hashtags": _hashtags(terms),
        },
    ),
    Place("hackernews", "hackernews", "Hacker News", _searched),
    Place("press", "rss", "the feeds of some forty news desks", lambda _: {"list": "press"}, press=True),
    Place("gdelt", "gdelt", "GDELT's index of news", _searched, press=True),
    Place("wikimedia", "wikimedia", "edits on Wikipedia", _searched),
    Place("trends", "trends", "trend lists of Mastodon and Bluesky", lambda _: {}),
)
"""In the order in which they are told."""
