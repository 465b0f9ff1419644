"""What strikes the workers: SIGKILL, SIGSTOP, and coming and going. Each says how often it really hit."""

import asyncio
import signal
import statistics
import time

from tests.chaos.fleet import Child
from tests.chaos.scene import Fault, Scene
from tests.chaos.tenures import SeatName
from warn.model.flow import DETECT, MATCH, RESPOND

SEATS = {MATCH: 6, DETECT: 6, RESPOND: 1}
BACK_S = 60.0
"""Within this, whatever was hit, somebody works again."""


async def busy(scene: Scene) -> Child:
    """A process that is at work now, drawn at random; waits for one."""
    await scene.fleet.until(lambda: any(c.busy for c in scene.fleet.alive()), "a busy worker", BACK_S)
    return scene.rng.choice([c for c in scene.fleet.alive() if c.busy])


async def watch(scene: Scene, seconds: float) -> None:
    """Let time pass, reading what is told."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        scene.fleet.look()
        await asyncio.sleep(min(0.05, left))


def kills(number: int, between_s: tuple[float, float]) -> Fault:
    """So many SIGKILLs of processes at work, at random moments; each is replaced at once."""

    async def strike(scene: Scene) -> None:
        fleet = scene.fleet
        for _ in range(number):
            await watch(scene, scene.rng.uniform(*between_s))
            child = await busy(scene)
            assert scene.loading, "the kills came after the last mention"
            held = len(child.held)
            fleet.kill(child)
            scene.injected["SIGKILLs of a process at work"] += 1
            scene.injected["seats that they held"] += held
            fleet.start()
        await fleet.ready(*fleet.alive())

    return strike


def zombies(pauses_s: tuple[float, ...]) -> Fault:
    """SIGSTOP a process at work until others have its seats, and for as long as said; then let it go on."""

    async def strike(scene: Scene) -> None:
        for pause_s in pauses_s:
            await watch(scene, scene.rng.uniform(1.0, 3.0))
            await _stop(scene, await busy(scene), pause_s)

    return strike


async def _stop(scene: Scene, child: Child, pause_s: float) -> None:
    """One pause, and what came of it: it must let go, or be given the seat anew; both are told."""
    assert scene.loading, "the pause came after the last mention"
    held, fenced, at = set(child.held), _fenced(scene, child), time.time()
    scene.fleet.pause(child)
    await watch(scene, pause_s)
    taken = _taken(scene, held, at, child)
    scene.fleet.resume(child)
    await scene.fleet.until(lambda: not (_stale(scene, child, at) & taken), f"{child.name} to let go", BACK_S)
    after = _fenced(scene, child) - fenced
    scene.injected["SIGSTOPs of a process at work"] += 1
    scene.injected["seats taken over meanwhile"] += len(taken)
    scene.injected["pauses in which others took seats"] += bool(taken)
    scene.injected["fences told by who was stopped"] += after
    scene.note(
        f"{child.name} stopped {pause_s:.0f} s: {len(taken)} of {len(held)} seats taken over, then {after} fenced"
    )


def _fenced(scene: Scene, child: Child) -> int:
    return sum(1 for t in scene.fleet.told if t.event == "worker_fenced" and t.child == child.name)


def _taken(scene: Scene, seats: set[SeatName], since: float, but: Child) -> set[SeatName]:
    """Of these seats, those in which somebody else has stepped since."""
    return {seat for seat in seats if scene.fleet.tenures.since(seat, since, but.name)}


def _stale(scene: Scene, child: Child, since: float) -> set[SeatName]:
    """Seats that a process still thinks it has from before a moment."""
    tenures = scene.fleet.tenures
    return {s for s in child.held if all(t.began < since for t in tenures.of(s) if t.child == child.name)}


def rivals(pauses_s: tuple[float, ...], fight_s: float) -> Fault:
    """Seats named by hand: one process has them all and is stopped, another one is told to have them all, the first goes
    on. Nobody tells either of them to let go, so they take the seats from each other until one is killed.
    """
    seats = [x for stage, number in SEATS.items() for p in range(number) for x in ("--seat", f"{stage}:{p}")]

    async def strike(scene: Scene) -> None:
        fleet, first = scene.fleet, scene.fleet.start(*seats)
        for pause_s in pauses_s:
            await fleet.until(lambda c=first: c.busy, f"{first.name} at work", BACK_S)  # type: ignore[misc]
            await watch(scene, scene.rng.uniform(1.0, 3.0))
            assert scene.loading, "the pause came after the last mention"
            held, at = set(first.held), time.time()
            fleet.pause(first)
            second = fleet.start(*seats)
            await watch(scene, pause_s)
            taken = _taken(scene, held, at, first)
            fleet.resume(first)
            await watch(scene, fight_s)
            told = _fenced(scene, first), _fenced(scene, second)
            scene.injected["SIGSTOPs of a process at work"] += 1
            scene.injected["seats taken over meanwhile"] += len(taken)
            scene.injected["fences told by who was stopped"] += told[0]
            scene.note(
                f"{first.name} stopped {pause_s:.0f} s: {len(taken)} of {len(held)} seats taken over, then in "
                f"{fight_s:.0f} s it was fenced {told[0]} times, the other one {told[1]} times"
            )
            fleet.kill(first)
            first = second
        await watch(scene, 1.0)

    return strike


def churn(seconds: float, every_s: float, fewest: int) -> Fault:
    """A process comes or goes in order every so often, never fewer than so many."""

    async def strike(scene: Scene) -> None:
        fleet, until = scene.fleet, time.monotonic() + seconds
        leaving: list[Child] = []
        while time.monotonic() < until:
            due = time.monotonic() + every_s
            here = [c for c in fleet.alive() if c not in leaving]
            settled = [c for c in here if c.ready]
            few = len(settled) <= fewest
            if len(here) < fewest + 3 and (few or scene.rng.random() < 0.5):
                fleet.start()
                scene.injected["joined"] += 1
            elif not few:
                child = scene.rng.choice(settled)
                fleet.kill(child, signal.SIGTERM)
                leaving.append(child)
                scene.injected["asked to leave"] += 1
            await watch(scene, due - time.monotonic())
        assert scene.loading, "the last came and went after the last mention"
        await fleet.until(lambda: not any(c.alive for c in leaving), "all to leave", BACK_S)
        wrong = [c.name for c in leaving if c.process.returncode]
        assert not wrong, f"ended badly: {wrong}: {fleet.output(fleet.children[wrong[0]])}"

    return strike


class TakeOvers:
    """SIGKILL of the owner with another process standing by, and how long until that one steps."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.first_s: list[float] = []
        """From the kill to the first step of the new owner, in the seat that steps first."""
        self.all_s: list[float] = []
        """To the first step in the last of the seats that it held and that had input."""

    async def strike(self, scene: Scene) -> None:
        """So many times."""
        fleet = scene.fleet
        for _ in range(self.number):
            await watch(scene, scene.rng.uniform(1.0, 2.0))
            owner = await busy(scene)
            assert scene.loading, "the kills came after the last mention"
            held = set(owner.held)
            fleet.kill(owner)
            at = time.time()
            scene.injected["SIGKILLs of an owner"] += 1
            await fleet.until(
                lambda o=owner, h=held, t=at: len(_taken(scene, h, t, o)) == len(h),  # type: ignore[misc]
                f"all seats of {owner.name} to be taken over",
                BACK_S,
            )
            after = [t.stepped - at for s in held if (t := fleet.tenures.since(s, at, owner.name))]
            self.first_s.append(min(after))
            self.all_s.append(max(after))
            another = fleet.start()
            await fleet.ready(another)
            await fleet.until(lambda a=another: a.busy, f"{another.name} to get seats", BACK_S)  # type: ignore[misc]
        scene.note(self.told())

    def told(self) -> str:
        """The figures."""
        return (
            f"take-over of {len(self.first_s)}, SIGKILL to the first step of the new owner: first seat median "
            f"{statistics.median(self.first_s):.2f} s, maximum {max(self.first_s):.2f} s; last of its seats median "
            f"{statistics.median(self.all_s):.2f} s, maximum {max(self.all_s):.2f} s"
        )
