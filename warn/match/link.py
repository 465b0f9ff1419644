"""What a mention points to, as short as it can be told: host and path.

Fragments, user names, ports of the scheme, `www.`, `m.`, tracking parameters and the end slash fall away, and so does what
makes it the AMP page of a page or a detour by a search engine, so that one article is one link however it was shared. On the platforms whose addresses hold people's handles only the host remains,
and a post's own address there is no link at all.
"""

import re
from typing import Final
from urllib.parse import unquote

MAX_LINK: Final = 200
_URL: Final = re.compile(r"https?://[^\s<>\"'\u2018-\u201f]+", re.IGNORECASE)
_PARTS: Final = re.compile(
    r"\s*https?://(?:[^/?#\s@]*@)?(?P<host>[^/?#\s:@\[\]]+)(?::\d*)?(?P<path>[^?#\s]*)(?:\?(?P<query>[^#\s]*))?",
    re.IGNORECASE,
)
_TRACKING: Final = re.compile(
    r"(utm_.*|mc_[ce]id|_?ga|gclid|gclsrc|dclid|fbclid|msclkid|yclid|twclid|igsh(id)?|mkt_tok|ref(_?src|_?url|errer)?|"
    r"si|feature|cmp|cmpid|ocid|ito|smid|smtyp|at_.*|ns_.*|__twitter_impression|amp|amp_.*|usqp|outputtype|share(d|id)?|"
    r"source|xtor|spm|from|via|wt_mc|wtrid)(=|$)|s=\d\d$|[st]=?$|t=\d*\D",
    re.IGNORECASE,
)
"""`s` and `t` are how a post was shared or where a film starts; of a forum `t=123` is which page it is."""
_DETOUR: Final = re.compile(
    r"(?:google\.[a-z.]{2,6}/amp/|[^/]+\.cdn\.ampproject\.org/[a-z]/)(?:s/)?(?P<path>[^/.]+\.[^/]+/.*)"
    r"|(?:google\.[a-z.]{2,6}/url|lm?\.facebook\.com/l\.php|l\.instagram\.com/?)\?(?:[^#]*&)?(?:q|url|u)=(?P<query>https?[^&#]+)",
    re.IGNORECASE,
)
_PLATFORMS: Final = """
twitter.com x.com mobile.twitter.com bsky.app facebook.com instagram.com threads.net threads.com tiktok.com
linkedin.com mastodon.social reddit.com old.reddit.com t.me snapchat.com pinterest.com tumblr.com vk.com weibo.com
"""
_DETOURS: Final = ("google.", "l.facebook.", "lm.facebook.", "l.instagram.")
_OF_PEOPLE: Final = frozenset(_PLATFORMS.split())


def canonical(url: str) -> str:
    """Host and path of an address; "" for what is none. Never raises."""
    return _told(url, detours=2)


def _told(url: str, detours: int) -> str:
    found = _PARTS.match(url)
    if found is None or any("\ud800" <= c <= "\udfff" for c in url if c > "\ud7ff"):
        return ""
    host, path, query = found.group("host").lower().rstrip("."), found.group("path"), found.group("query")
    for prefix in ("www.", "m.", "amp.", "mobile."):
        host = host.removeprefix(prefix)
    if "." not in host:
        return ""
    if host in _OF_PEOPLE or path.startswith("/@"):
        return host
    if detours and (host.startswith(_DETOURS) or host.endswith(".ampproject.org")):
        onward = _DETOUR.match(f"{host}{path}?{query or ''}"[:2_000])
        if onward is not None:
            straight = onward["path"] or ""
            return _told(f"https://{straight}" if straight else unquote(onward["query"]), detours - 1)
    path = path.rstrip("/")
    if "amp" in path:
        path = _without_amp(path)
    return f"{host}{path}{_kept(query) if query else ''}"[:MAX_LINK]


def _without_amp(path: str) -> str:
    """The page's path, of one that is its AMP page."""
    if path.endswith(".amp.html"):
        path = f"{path.removesuffix('.amp.html')}.html"
    path = path.removesuffix("/amp").removesuffix(".amp")
    return path.removeprefix("/amp") if path.startswith("/amp/") else path


def _kept(query: str) -> str:
    """The parameters that say which page it is."""
    kept = sorted(one for one in query[:500].split("&") if one and not _TRACKING.match(one))
    return f"?{'&'.join(kept)}" if kept else ""


def link_of(text: str, url: str) -> str:
    """The first address in the text, else the mention's own where that is no post of a person; "" for neither."""
    if "://" in text:
        found = _URL.search(text)
        if found:
            return canonical(found.group().rstrip(".,;:!?)]}…"))
    # Most posts have an address of their own, of the platform, under somebody's name: no need to take that apart.
    parts = url.split("/", 4)
    if len(parts) < 4 or parts[2] in _OF_PEOPLE or parts[3].startswith("@"):
        return ""
    own = canonical(url)
    return "" if own in _OF_PEOPLE or "/" not in own else own
