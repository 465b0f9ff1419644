"""Short ways to make items, for the tests of the door and what is around it."""

from typing import Any

from warn.ingest.door import CouldMatch
from warn.model.mention import Item
from warn.model.rules import RuleSet

KEY = b"a key of this test, long enough to be one"
NOW_MS = 1_700_000_000_000


def item(id_: str = "1", text: str | None = "Acme", **more: Any) -> Item:
    values: dict[str, Any] = {"source": "forum", "created_ms": NOW_MS} | more
    return Item(id=id_, text=text, **values)


def says_acme(text: str) -> bool:
    return "acme" in text.casefold()


def compiles(_ruleset: RuleSet) -> CouldMatch:
    return says_acme
