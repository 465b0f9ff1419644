"""A planted bug: one small, explicit way to break what is simulated. This one breaks nothing."""

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import msgspec

from tests.simulation.engine import Faults, SimBus, SimSeat, SimStore
from warn.bus.memory import MemoryStore
from warn.ingest.order import order_key
from warn.model.mention import Item
from warn.worker import Worker


class Plant:
    """Everything as it is. A bug overrides one of these."""

    name = "none"
    seat_type: type[SimSeat] = SimSeat
    worker_type: type[Worker] = Worker

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        """While a seed runs: what is changed from outside, in the run and in the oracle alike."""
        yield

    def store(self, counts: Mapping[str, int], clock: Callable[[], float], collect: int) -> SimStore:
        """What survives a crash."""
        return SimStore(counts, clock, collect)

    def bus(self, store: MemoryStore, faults: Faults) -> SimBus:
        """A process's bus."""
        bus = SimBus(store, faults)
        bus.seat_type = self.seat_type
        return bus

    def worker(self, *args: Any, **options: Any) -> Worker:
        """A worker of one seat."""
        return self.worker_type(*args, **options)

    def order(self, item: Item) -> Any:
        """The order in which recorded items are known."""
        return (order_key(item), msgspec.msgpack.encode(item))


class Patched(Plant):
    """A bug that puts other values in the place of some: (a module, class or name of a module, what, the other value)."""

    def __init__(self, name: str, *patches: tuple[Any, str, Any]) -> None:
        self.name = name
        self._patches = patches

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for place, what, value in self._patches:
                at = importlib.import_module(place) if isinstance(place, str) else place
                stack.enter_context(mock.patch.object(at, what, value))
            yield
