"""Where the connector is: how far it has read, and the stories that it follows."""

from typing import Final

import msgspec

from warn.ingest.connector import Cursor
from warn.model.errors import PermanentError, Reason

MOST_FOLLOWED: Final = 200
UNKNOWN: Final = -1
"""Votes that are not known yet."""
NO_VOTES: Final = -2
"""Of a story that is not ours, though a comment under it is: only its comments are followed."""


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """`since`: the second up to which searches have been read; `last`, `at`: the last item read and its second; `waiting`:
    items that were not there yet, and how often they were asked for; `stories`: votes last told, those that moved last.
    """

    since: int = 0
    last: int = 0
    at: int = 0
    waiting: dict[int, int] = {}
    stories: dict[int, int] = {}

    def follow(self, story: int, votes: int) -> None:
        """From now on, or with these votes now; those that have not moved for longest are let go."""
        self.stories.pop(story, None)
        self.stories[story] = votes
        while len(self.stories) > MOST_FOLLOWED:
            del self.stories[next(iter(self.stories))]

    def cursor(self) -> Cursor:
        """As it is kept."""
        return Cursor(msgspec.json.encode(self).decode())


def place(cursor: Cursor | None) -> Place:
    """Raises PermanentError for a cursor of somebody else."""
    if cursor is None:
        return Place()
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.MsgspecError:
        raise PermanentError(
            "hackernews: a cursor that is none of its own", reason=Reason.MALFORMED
        ) from None
