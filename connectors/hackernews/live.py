"""The live interface (Firebase): items by number, and which of them changed lately."""

from collections.abc import Container, Iterable
from typing import Any, Final, TypeVar

from connectors.hackernews.items import PLACE, Entry, read_item
from connectors.hackernews.place import NO_VOTES, Place
from warn.ingest.loose import loose_json
from warn.ingest.outbound import Outbound
from warn.model.errors import Reason, TemporaryError, WarnError
from warn.model.mention import Item

MOST_KNOWN: Final = 3_000
"""Entries whose words are remembered, to tell when they change: they cannot after two hours."""
MOST_ROOTS: Final = 20_000
MOST_ABOVE: Final = 50
"""Comments above a comment that are looked at to find its story."""
MOST_ASKED: Final = 100
"""Items that are looked at anew in one look."""
IN_TURN: Final = 5
"""Followed stories that are looked at in each look, changed or not: the list of changes is short-lived."""

_ITS_OWN: Final = frozenset(
    {Reason.MALFORMED, Reason.HOSTILE, Reason.CLIENT, Reason.GONE, Reason.AUTH, Reason.SERVER}
)
"""What may be wrong with one item, while others can be had."""

_Value = TypeVar("_Value")


class Live:
    """Items, one request each. `known`: fingerprints of the words of what was yielded lately."""

    def __init__(self, out: Outbound, url: str, source: str) -> None:
        self._out, self._url, self._source = out, url, source
        self._known: dict[int, bytes] = {}
        self._story: dict[int, int] = {}
        self._turn = 0

    def told(self, entry: Entry, now_ms: int) -> Item | None:
        """What is to be yielded of an entry: itself, or an edit where it was yielded with other words before."""
        had, item = self._known.get(entry.number), entry.item
        if item is not None:
            item = entry.edit(now_ms) if had not in {None, entry.sense()} else item
            self._remember(entry)
        return item

    def _remember(self, entry: Entry) -> None:
        _put(self._known, entry.number, entry.sense(), MOST_KNOWN)
        if entry.story:
            _put(self._story, entry.number, entry.story, MOST_ROOTS)

    async def newest(self) -> int:
        """The highest number there is."""
        said = await self._get("maxitem")
        if not isinstance(said, int) or not 0 < said < 2**40:
            raise TemporaryError(f"{PLACE}: its newest item is no number", reason=Reason.MALFORMED)
        return said

    async def item(self, number: int) -> Entry | str | None:
        """An item with the story that it stands under; why it is none; None where it is not there (yet)."""
        raw = await self._get(f"item/{number}")
        if raw is None:
            return None
        story = 0
        if (
            isinstance(raw, dict)
            and raw.get("type") == "comment"
            and not (raw.get("deleted") or raw.get("dead"))
        ):
            story = await self._root(raw.get("parent"))
        entry = read_item(raw, self._source, story)
        if isinstance(entry, Entry) and entry.story:
            _put(self._story, number, entry.story, MOST_ROOTS)
        return entry

    async def items(
        self, numbers: Iterable[int], waiting: Container[int] = ()
    ) -> dict[int, Entry | str | WarnError | None]:
        """Each of them, or the error that is its own. Raises where none can be had, and not all of them were waited for
        already: then it is the service.
        """
        found: dict[int, Entry | str | WarnError | None] = {}
        for number in numbers:
            try:
                found[number] = await self.item(number)
            except WarnError as e:
                if e.reason not in _ITS_OWN:
                    raise
                found[number] = e
        wrong = [one for one in found.values() if isinstance(one, WarnError)]
        if wrong and len(wrong) == len(found) and any(number not in waiting for number in found):
            raise wrong[0]
        return found

    async def _root(self, parent: Any) -> int:
        """The story above; 0 where it cannot be told."""
        passed: list[int] = []
        while isinstance(parent, int) and len(passed) < MOST_ABOVE:
            story = self._story.get(parent, 0)
            if not story:
                try:
                    raw = await self._get(f"item/{parent}")
                except WarnError as e:
                    if e.reason not in _ITS_OWN:
                        raise
                    return 0
                if not isinstance(raw, dict):
                    return 0
                if raw.get("type") == "comment":
                    passed.append(parent)
                    parent = raw.get("parent")
                    continue
                story = parent
            for number in (*passed, parent):
                _put(self._story, number, story, MOST_ROOTS)
            return story
        return 0

    async def changes(self, place: Place, now_ms: int, *, recent: int | None = None) -> list[Item]:
        """Votes, edits and deletes of what is followed or known; brings the votes in `place` up to date.

        `recent`: items from this number on are looked at though they are not known (after a start nothing is).
        """
        said = await self._get("updates")
        listed = said.get("items") if isinstance(said, dict) else None
        if not isinstance(listed, list):
            raise TemporaryError(f"{PLACE}: it does not say what changed", reason=Reason.MALFORMED)
        ours = [number for number, votes in place.stories.items() if votes != NO_VOTES]
        asked = [number for number in ours if place.stories[number] < 0]
        asked += [one for one in listed if isinstance(one, int) and self._follows(one, place, recent)]
        asked += [ours[(self._turn + i) % len(ours)] for i in range(min(IN_TURN, len(ours)))]
        self._turn += IN_TURN
        found = await self.items(list(dict.fromkeys(asked))[:MOST_ASKED])
        return [
            item
            for one in found.values()
            if isinstance(one, Entry)
            for item in self._change(one, place, now_ms)
        ]

    def _follows(self, number: int, place: Place, recent: int | None) -> bool:
        if number in self._known or (recent is not None and number >= recent):
            return True
        return place.stories.get(number, NO_VOTES) != NO_VOTES

    def _change(self, entry: Entry, place: Place, now_ms: int) -> list[Item]:
        if entry.item is None:
            self._known.pop(entry.number, None)
            place.stories.pop(entry.number, None)
            return [entry.delete(self._source)]
        changed: list[Item] = []
        told = self.told(entry, now_ms)
        if told is not None and told.kind == "edit":
            changed.append(told)
        votes = place.stories.get(entry.number, NO_VOTES)
        if votes != NO_VOTES and entry.score is not None and votes != max(0, entry.score):
            place.follow(entry.number, max(0, entry.score))
            changed.append(entry.votes(self._source, now_ms))
        return changed

    async def _get(self, what: str) -> Any:
        return loose_json(PLACE, (await self._out.get(f"{self._url}/{what}.json")).body)


def _put(known: dict[int, _Value], key: int, value: _Value, most: int) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > most:
        del known[next(iter(known))]
