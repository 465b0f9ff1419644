"""The one order in which recorded items are known: by when they were seen, and ties by something of their own.

Without a total order two readings of one recording could differ in which of two equal moments came first, and with it
who a thread's root is. Only lines that are equal in all of this are told apart by their bytes.
"""

from warn.model.mention import KIND_ORDER, Item


def seen_at(item: Item) -> int:
    """When the item was known, in ms; a recording that does not say was seen when it was created."""
    return item.created_ms if item.seen_ms is None else item.seen_ms


def order_key(item: Item) -> tuple[int, int, int, str, str]:
    """Sorts items: seen, created, kind, source, id."""
    return (seen_at(item), item.created_ms, KIND_ORDER[item.kind], item.source, item.id)
