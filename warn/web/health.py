"""Whether this process is ready to be relied on, and if not, why.

Parts of the daemon say so by name; the web only repeats it. Healthy is another thing: the process answers at all.
"""


class Health:
    """What keeps the daemon from being ready, by part."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def failing(self, part: str, why: str) -> None:
        """The part is not ready, because of `why` (no text of mentions, no secrets)."""
        self._problems[part] = why

    def well(self, part: str) -> None:
        """The part is ready."""
        self._problems.pop(part, None)

    @property
    def problems(self) -> tuple[str, ...]:
        """All reasons, none when ready."""
        return tuple(self._problems[part] for part in sorted(self._problems))
