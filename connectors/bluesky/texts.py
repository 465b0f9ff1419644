"""The text of a post as a person reads it: its links whole, and what the card below it says."""

from collections.abc import Mapping
from typing import Any, Final

MOST_LINKS: Final = 20
MOST_LINK: Final = 2_048


def with_card(text: str, card: Mapping[str, Any]) -> str:
    """The text, and below it title and address of the card, where it does not say them itself."""
    for name in ("title", "uri"):
        said = card.get(name)
        if isinstance(said, str) and said and said not in text:
            text = f"{text}\n{said[:MOST_LINK]}"
    return text


def with_links(text: str, facets: object) -> str:
    """The text with its links whole: shown they are cut short, and `facets` say, by UTF-8 bytes, what stands where."""
    links = _links(facets)
    if not links:
        return text
    raw = text.encode()
    parts: list[str] = []
    loose: list[str] = []
    done = 0
    for start, end, uri in links:
        try:
            if not done <= start < end <= len(raw):
                raise ValueError
            before, shown = raw[done:start].decode(), raw[start:end].decode()
        except ValueError:  # it points nowhere, or into the middle of a character
            loose.append(uri)
            continue
        if _shortens(shown, uri):
            parts += [before, uri]
            done = end
        else:
            loose.append(uri)  # words that lead somewhere: they stay
    whole = "".join(parts) + raw[done:].decode()
    return "\n".join([whole, *(uri for uri in dict.fromkeys(loose) if uri not in whole)])


def _links(facets: object) -> list[tuple[int, int, str]]:
    """Where each link begins and ends, in order."""
    found: list[tuple[int, int, str]] = []
    for facet in facets[:MOST_LINKS] if isinstance(facets, list) else ():
        index = facet.get("index") if isinstance(facet, dict) else None
        features = facet.get("features") if isinstance(facet, dict) else None
        if not isinstance(index, dict) or not isinstance(features, list):
            continue
        start, end = index.get("byteStart"), index.get("byteEnd")
        uri = next((one.get("uri") for one in features if isinstance(one, dict) and "uri" in one), None)
        if isinstance(start, int) and isinstance(end, int) and isinstance(uri, str) and len(uri) <= MOST_LINK:
            found.append((start, end, uri))
    return sorted(found)


def _shortens(shown: str, uri: str) -> bool:
    """Whether what is shown is the beginning of the link, with or without its scheme."""
    beginning = shown.rstrip(".…")
    bare = uri.partition("://")[2]
    return bool(beginning) and (
        uri.startswith(beginning)
        or bare.startswith(beginning)
        or bare.removeprefix("www.").startswith(beginning)
    )
