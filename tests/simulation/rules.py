"""The two rule sets of the simulated world, and its times and sizes, scaled down so that little is needed for much.

Three brands, so that three partitions of `[signals]` have one each. The second rule set drops a topic, brings another,
and moves a floor.
"""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

from warn.aggregate import memory, partial, people
from warn.incident import course
from warn.incident.route import Route, Target
from warn.match import told
from warn.model.hashing import BUCKETS, content_hash
from warn.model.rules import Account, Channel, DetectorSpec, Floor, Rule, RuleSet, Term, Topic
from warn.model.wire import encode
from warn.stages import detect, snapshots
from warn.stages import slice as slices

KEY = b"a key of the simulation, long enough to be one"

ACME = Topic(
    "Acme/acme", "Acme", any=(Term("acme"), Term("#acme", "hashtag")), none=(Term("acme road runner"),)
)
BATTERY = Topic("Acme/battery", "Acme", any=(Term("battery"),), within="Acme/acme")
SMOKE = Topic("Acme/smoke", "Acme", any=(Term("smoke"),))
BETA = Topic("Beta/beta", "Beta", any=(Term("beta corp", "phrase"),))
DELTA = Topic("Delta/delta", "Delta", any=(Term("delta"),))

_ACCOUNTS = (("Acme", Account("bluesky", "acme.example")),)
_CHANNELS = (("Acme", Channel("press", role="press")), ("Acme", Channel("care", role="care")))
_NEGATIVE = ("shame",)


def _spike(topic: Topic, alert: str, *floors: Floor, **more: Any) -> Rule:
    values: dict[str, Any] = {
        "mode": "live",
        "keep_firing_s": 300,
        "usual_per_day": {"mentions": 2.0, "authors": 2.0, "echo": 4.0},
    }
    return Rule(
        f"{topic.brand}/{alert}", alert, topic.brand, topic.name, at_least=floors, **{**values, **more}
    )


def _above(topic: Topic, alert: str, limit: int, *watch: str, **more: Any) -> Rule:
    """A fixed limit: fires and rests in worlds too small for what is learned."""
    return _spike(
        topic,
        alert,
        Floor(mentions=1),
        Floor(echo=1),
        Floor(care=1),
        watch=watch,
        detector=DetectorSpec("threshold", {"above": limit, "window": 300}),
        **more,
    )


_COMMON = (
    _spike(BETA, "Spike", Floor(mentions=3, authors=2), Floor(echo=5)),
    _above(DELTA, "Many", 2, "mentions", "echo"),
    _above(DELTA, "Voices", 3, "authors", "platforms", for_s=45, keep_firing_s=0, severity="ticket"),
    _above(ACME, "Care", 1, "care", keep_firing_s=60),
)
RULES = {
    "one": RuleSet(
        topics=(BATTERY, ACME, BETA, DELTA),
        rules=(
            *_COMMON,
            _spike(ACME, "Spike", Floor(mentions=4, authors=2), Floor(echo=9)),
            _above(BATTERY, "Fire", 1, "mentions", "echo", for_s=15),
        ),
        accounts=_ACCOUNTS,
        channels=_CHANNELS,
        negative=_NEGATIVE,
    ),
    "two": RuleSet(
        topics=(ACME, SMOKE, BETA, DELTA),
        rules=(
            *_COMMON,
            _spike(ACME, "Spike", Floor(mentions=6, authors=2), Floor(echo=7), keep_firing_s=600),
            _above(SMOKE, "Smoke", 1, "mentions", "echo", mode="shadow"),
        ),
        accounts=_ACCOUNTS,
        channels=_CHANNELS,
        negative=_NEGATIVE,
    ),
}
BY_HASH = {content_hash(encode(ruleset)): ruleset for ruleset in RULES.values()}
ROUTES = (
    Route(name="night", notifiers=(Target("first", "a"), Target("second", "b")), pages_per_hour=1000),
    Route(name="day", notifiers=(Target("mail", "c"),), severities=("ticket",)),
)

HASHES = 4
"""Lowest hashes that a partial holds of people, links, terms and samples (256 and 32 in life)."""
_SCALED: tuple[tuple[Any, str, Any], ...] = (
    (people, "LIMIT", HASHES),
    (partial.lowest, "__defaults__", (HASHES,)),
    (partial.merge_counted, "__defaults__", (HASHES,)),
    (partial.merge_samples, "__defaults__", (HASHES,)),
    (partial.merge_carriers, "__defaults__", (HASHES,)),
    (partial.greatest, "__defaults__", (HASHES,)),
    (told, "MAX_TERMS", HASHES),
    (slices, "BEAT_S", 900),
    (detect, "BEAT_S", 900),
    (snapshots, "SAVED", 1),
    (course, "LINGER_S", 700),
    (course, "WAVE_S", 60),
    (course, "LEAST", 1),
)
"""(where, what, its value here): as the model in which the rules of the data flow were tried."""


@contextlib.contextmanager
def scaled(room: int) -> Iterator[None]:
    """Within it hours are minutes and hundreds are handfuls; `room`: posts that match remembers in a bucket."""
    with contextlib.ExitStack() as stack:
        limits = (BUCKETS * room, memory.REMEMBERED_S)
        stack.enter_context(mock.patch.object(memory.Memory.__init__, "__defaults__", limits))
        for place, name, value in _SCALED:
            stack.enter_context(mock.patch.object(place, name, value))
        for module in _modules():
            for name in ("AUTHORS", "LINKS", "TERMS", "SAMPLES"):
                if hasattr(module, name):
                    stack.enter_context(mock.patch.object(module, name, HASHES))
            if hasattr(module, "_log"):  # a thousand seeds fail ten thousand times: not one line
                stack.enter_context(mock.patch.object(module, "_log", mock.NonCallableMagicMock()))
        yield


def _modules() -> list[ModuleType]:
    """Those that have a size or a log of their own; imported names are names of their own."""
    homes = ("warn.aggregate.", "warn.stages.", "warn.telemetry.")
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(homes)]
