"""Events about what people send to us, and of what was done about people."""

from collections.abc import Callable

from warn.telemetry import events

PEOPLE_CALLS: dict[Callable[..., None], tuple[Callable[[], None], str, dict[str, str], str]] = {
    events.author_erased: (
        lambda: events.author_erased("00ff", 2, 1, 0),
        "warn_erasures_total",
        {},
        "author_erased",
    ),
    events.accounts_departed: (
        lambda: events.accounts_departed("sea", 2, ours=1),
        "warn_accounts_departed_total",
        {"connector": "sea"},
        "accounts_departed",
    ),
    events.deletions_blanked: (
        lambda: events.deletions_blanked(3, 1, 2),
        "warn_deletions_blanked_total",
        {},
        "deletions_blanked",
    ),
    events.push_taken: (
        lambda: events.push_taken("hook", repeated=False),
        "warn_pushes_total",
        {"connector": "hook", "outcome": "taken"},
        "push_taken",
    ),
    events.push_turned_away: (
        lambda: events.push_turned_away("hook", "forged", status=401, why="no signature", told=True),
        "warn_pushes_total",
        {"connector": "hook", "outcome": "forged"},
        "push_turned_away",
    ),
}
