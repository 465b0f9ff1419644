"""Links of articles, so that one article has one: whole, and without what is there to count readers."""

from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

_COUNTING: Final = frozenset(
    [
        "fbclid",
        "gclid",
        "dclid",
        "gclsrc",
        "msclkid",
        "yclid",
        "twclid",
        "igsh",
        "igshid",
        "mc_cid",
        "mc_eid",
        "mkt_tok",
        "wt_mc",
        "at_medium",
        "at_campaign",
        "at_ptr_name",
        "at_link_id",
        "at_bbc_team",
        "ns_campaign",
        "ns_mchannel",
        "ns_source",
        "ns_linkname",
        "ns_fee",
        "xtor",
        "ocid",
        "cmpid",
        "ito",
        "smid",
        "__twitter_impression",
    ]
)


def canonical(base: str, link: str) -> str:
    """An absolute http(s) link without a fragment and without what is there to count readers; "" for any other."""
    try:
        parts = urlsplit(urljoin(base, link)) if link else None
        if (
            parts is None
            or parts.scheme not in {"http", "https"}
            or not parts.hostname
            or "@" in parts.netloc
        ):
            return ""
        return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", uncounted(parts.query), ""))
    except ValueError:
        return ""


def unmarked(address: str) -> str:
    """An address by which something is called, without what is there to count readers; anything else as it is."""
    head, mark, rest = address.partition("?")
    if not mark:
        return address
    query, hash_mark, fragment = rest.partition("#")
    kept = uncounted(query)
    return f"{head}{'?' if kept else ''}{kept}{hash_mark}{fragment}"


def uncounted(query: str) -> str:
    """A query without the parameters that say how somebody came."""
    return "&".join(pair for pair in query.split("&") if pair and not _counts(pair))


def _counts(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name.startswith("utm_") or name in _COUNTING
