"""What is ours: our accounts as hashes, our own sources, the words that name a brand, what is not asked inside."""

from collections.abc import Sequence

from warn.match.fold import fold
from warn.match.terms import split_words
from warn.model.hashing import author_hash
from warn.model.rules import RuleSet, Topic


def own_authors(rules: RuleSet, key: bytes) -> dict[int, tuple[str, ...]]:
    """Author hash of each account of ours to its brands; a handle counts with and without its @."""
    found: dict[int, list[str]] = {}
    for brand, account in rules.accounts:
        bare = account.handle.removeprefix("@")
        for handle in (bare, f"@{bare}"):
            brands = found.setdefault(author_hash(key, account.source, handle), [])
            if brand not in brands:
                brands.append(brand)
    return {author: tuple(brands) for author, brands in found.items()}


def own_sources(rules: RuleSet) -> dict[str, tuple[str, ...]]:
    """Sources with role `own` to the brands that listed them so."""
    found: dict[str, list[str]] = {}
    for brand, channel in rules.channels:
        if channel.role == "own":
            found.setdefault(channel.source, []).append(brand)
    return {source: tuple(brands) for source, brands in found.items()}


def base_topics(topics: Sequence[Topic]) -> dict[str, tuple[int, ...]]:
    """Brand to the indices of its topics that are within no other: what a post of ours is about if it names nothing."""
    found: dict[str, list[int]] = {}
    for i, one in enumerate(topics):
        if one.within is None:
            found.setdefault(one.brand, []).append(i)
    return {brand: tuple(indices) for brand, indices in found.items()}


def brand_words(topics: Sequence[Topic]) -> dict[str, frozenset[str]]:
    """Brand to the words of its base topics: in every mention of the brand, so they tell nothing about one."""
    found: dict[str, set[str]] = {}
    for one in topics:
        words = found.setdefault(one.brand, set())
        if one.within is None:
            for term in (*one.any, *one.all):
                if term.kind != "regex":
                    words.update(split_words(fold(term.text)))
    return {brand: frozenset(words) for brand, words in found.items()}


def public_only(topics: Sequence[Topic]) -> frozenset[int]:
    """Topics (parents first) never looked for in what internal sources say, with all that is within them."""
    found: set[int] = set()
    names: set[str] = set()
    for i, one in enumerate(topics):
        if one.public_only or one.within in names:
            found.add(i)
            names.add(one.name)
    return frozenset(found)
