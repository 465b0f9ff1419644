"""How often a route may ring: so many pages an hour, and beyond that one that gathers all the rest."""

from msgspec import Struct

HOUR_S = 3600
MOST_LINES = 20
"""Incidents that a gathering call lists; the latest are kept."""


class Pages(Struct):
    """When a route rang in the last hour (delivery time), and the call that gathers what was too much."""

    times: list[int] = []
    gathering: str = ""
    gathering_at: int = 0

    def admit(self, now: int, most: int) -> bool:
        """Count a page, unless this hour has had its `most`."""
        self.times = [t for t in self.times if t > now - HOUR_S]
        if len(self.times) >= most:
            return False
        self.times.append(now)
        return True

    def gathers(self, now: int) -> bool:
        """Is there a gathering call that is not older than an hour?"""
        return bool(self.gathering) and self.gathering_at > now - HOUR_S

    def over(self, now: int) -> bool:
        """Nothing within the hour: it need not be remembered."""
        return all(t <= now - HOUR_S for t in self.times) and not self.gathers(now)
