"""What a mention points to, as short as it can be told: host and path.

Fragments, user names, ports of the scheme, `www.`, `m.`, tracking parameters and the end slash fall away, so that one
article is one link however it was shared. On the platforms whose addresses hold people's handles only the host remains,
and a post's own address there is no link at all.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

MAX_LINK: Final = 200
_URL: Final = re.compile(r"https?://[^\s<>\"'\u2018-\u201f]+", re.IGNORECASE)
_TRACKING: Final = re.compile(
    r"utm_.*|mc_[ce]id|_?ga|gclid|gclsrc|dclid|fbclid|msclkid|yclid|twclid|igsh(id)?|mkt_tok|ref(_?src|_?url|errer)?|"
    r"s|t|si|feature|cmp|ocid|ito|smid|smtyp|at_.*|ns_.*|__twitter_impression|amp|share(d|id)?|source|xtor|spm|from|via",
    re.IGNORECASE,
)
_OF_PEOPLE: Final = frozenset(
    """
    twitter.com x.com mobile.twitter.com bsky.app facebook.com instagram.com threads.net threads.com tiktok.com
    linkedin.com mastodon.social reddit.com old.reddit.com t.me snapchat.com pinterest.com tumblr.com vk.com weibo.com
    """.split()
)


def canonical(url: str) -> str:
    """Host and path of an address; "" for what is none. Never raises."""
    try:
        return _canonical(url.strip())
    except ValueError:  # a bad port, an open bracket, half a surrogate pair: data, not a link
        return ""


def _canonical(url: str) -> str:
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() not in ("http", "https") or "." not in host:
        return ""
    for prefix in ("www.", "m.", "amp."):
        host = host.removeprefix(prefix)
    if host in _OF_PEOPLE or parts.path.startswith("/@"):
        return host
    kept = sorted((k, v) for k, v in parse_qsl(parts.query[:500]) if not _TRACKING.fullmatch(k))
    path = parts.path.rstrip("/").removesuffix("/amp")
    return f"{host}{path}{'?' + urlencode(kept) if kept else ''}"[:MAX_LINK]


def link_of(text: str, url: str) -> str:
    """The first address in the text, else the mention's own where that is no post of a person; "" for neither."""
    if "://" in text:
        found = _URL.search(text)
        if found:
            return canonical(found.group().rstrip(".,;:!?)]}…"))
    if not url:
        return ""
    own = canonical(url)
    return "" if own in _OF_PEOPLE or "/" not in own else own
