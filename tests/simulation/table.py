"""Who is to hold what: seats by slot, and the processes that sit in the slots one after the other.

A slot stands for a machine. What its process believes is told to it sooner or later: two may believe that a seat is
theirs, or nobody; that only one of them gets anything done with it is the bus's business.
"""

from typing import TYPE_CHECKING

from tests.simulation.process import Process
from warn.bus.base import Seats
from warn.model.flow import COLLECT, DETECT, MATCH, RESPOND

if TYPE_CHECKING:
    from tests.simulation.run import Simulation


class Table:
    """The one truth about seats, which everybody knows a little late."""

    def __init__(self, sim: "Simulation") -> None:
        one = sim.world
        self._sim = sim
        counts = {COLLECT: one.collect, MATCH: one.partitions, DETECT: one.signals, RESPOND: 1}
        self.seats = [(stage, p) for stage, n in counts.items() for p in range(n)]
        self.owners = {seat: i % one.processes for i, seat in enumerate(self.seats)}
        self.slots: list[Process] = []
        self.collecting = True

    def mine(self, slot: int) -> Seats:
        """The seats of a slot."""
        return frozenset(
            seat
            for seat, owner in self.owners.items()
            if owner == slot and (self.collecting or seat[0] != COLLECT)
        )

    def inform(self, slot: int) -> None:
        """Tell whoever is in a slot what is its own."""
        self.slots[slot].tell(self.mine(slot))

    def launch(self, slot: int) -> None:
        """A new process in a slot; the one that was there, if it lives, knows nothing of it yet."""
        number = self._sim.happened["processes"] = self._sim.happened["processes"] + 1
        process = Process(self._sim, f"p{slot}.{number}", slot)
        if slot < len(self.slots):
            self._sim.buried.append(self.slots[slot])
            self.slots[slot] = process
        else:
            self.slots.append(process)
        process.start(self.mine(slot))

    def crashed(self, process: Process) -> None:
        """A process died: another takes its seats, or it is started anew, or both."""
        if self.slots[process.slot] is not process:
            return
        if self._sim.world.processes > 1 and process.rng.random() < 0.5:
            self._sim.loop.call_later(self._sim.weather.soon(), self._pass_on, process.slot)
        self._sim.loop.call_later(self._sim.weather.soon(), self.launch, process.slot)

    def froze(self, process: Process) -> None:
        """A process stands still: its seats go to another, which is told; it believes in them until after it thaws."""
        if self.slots[process.slot] is not process or process.rng.random() < 0.3:
            return
        if self._sim.world.processes > 1:
            self._sim.loop.call_later(self._sim.weather.soon(), self._pass_on, process.slot)
        else:
            self._sim.loop.call_later(self._sim.weather.soon(), self._replace, process)
        thaw = process.frozen_until + process.rng.uniform(0.0, 2.0)
        self._sim.loop.call_at(thaw, self._disillusion, process)

    def _pass_on(self, slot: int) -> None:
        other = (slot + 1) % self._sim.world.processes
        for seat, owner in self.owners.items():
            if owner == slot:
                self.owners[seat] = other
        self.inform(other)

    def _replace(self, process: Process) -> None:
        if self.slots[process.slot] is process:
            self.launch(process.slot)

    def _disillusion(self, process: Process) -> None:
        current = self.slots[process.slot] is process
        process.tell(self.mine(process.slot) if current else frozenset())

    def schedule(self) -> None:
        """Seats move at the times that the seed decided."""
        for move in self._sim.weather.moves:
            seat = self.seats[move.nth % len(self.seats)]
            self._sim.loop.call_at(move.gained, self._gain, seat, move.to)
            self._sim.loop.call_at(move.lost, self._lose, move.to)

    def _gain(self, seat: tuple[str, int], to: int) -> None:
        self._sim.happened["moved"] += self.owners[seat] != to
        self.owners[seat] = to
        self.inform(to)

    def _lose(self, to: int) -> None:
        for slot in range(self._sim.world.processes):
            if slot != to:
                self.inform(slot)
