"""Whom an incident is said to: routes, and the order in which their notifiers are tried.

Every route that matches an incident is told. Within a route the first notifier is told at once and the others
stand behind it: the second is told when the first has not confirmed after 60 s, has failed three times, or
has refused.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from warn.incident.course import RANKS
from warn.model.alerts import IncidentEvent


class Target(Struct, frozen=True):
    """A notifier by name, and who runs it."""

    notifier: str
    provider: str


class Route(Struct, frozen=True, kw_only=True):
    """Incidents of these brands (none: all) and severities go to these notifiers, tried in this order."""

    name: str
    notifiers: tuple[Target, ...]
    brands: tuple[str, ...] = ()
    severities: tuple[str, ...] = ("page",)
    pages_per_hour: int = 2

    def takes(self, event: IncidentEvent) -> bool:
        """Does this route say it? A shadow incident is said by none."""
        if event.mode != "live" or (self.brands and event.brand not in self.brands):
            return False
        # A severity of a later release ranks as a page, and goes where pages go.
        severity = event.severity if event.severity in RANKS else "page"
        return severity in self.severities


def check_routes(routes: Sequence[Route]) -> list[str]:
    """What is wrong with these routes for a daemon whose rules may page; empty: nothing."""
    found = [
        f"route name {name!r} is given {n} times: give each its own"
        for name, n in Counter(r.name for r in routes).items()
        if n > 1
    ]
    if not any("page" in r.severities for r in routes):
        found.append("no route has severity page: nobody would be woken")
    for route in routes:
        if not route.notifiers:
            found.append(f"route {route.name!r} has no notifier")
            continue
        unknown = [s for s in route.severities if s not in RANKS]
        if unknown:
            found.append(
                f"route {route.name!r}: unknown severity {', '.join(unknown)}; allowed: {', '.join(RANKS)}"
            )
        if "page" in route.severities and len({t.provider for t in route.notifiers}) < 2:
            found.append(
                f"route {route.name!r} pages through one provider only ({route.notifiers[0].provider}): "
                "a page needs two notifiers of different providers"
            )
    return found
