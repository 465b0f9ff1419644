"""The nearest word that is allowed: what the writer probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing where no allowed word is near."""
    by_fold = {a.casefold(): a for a in allowed}
    found = get_close_matches(word[:80].casefold(), by_fold, n=1, cutoff=0.6)
    return f"; did you mean `{by_fold[found[0]]}`?" if found else ""


def listed(allowed: Iterable[str]) -> str:
    """The allowed words as one text."""
    return ", ".join(allowed)
