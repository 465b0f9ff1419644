"""Every planted bug, what it stands for, and the seed that catches it.

    python -m tests.simulation.plants             how many seeds until each is caught, from seed 0 on
    python -m tests.simulation.plants fence       those whose name has this in it

A bug is planted in the run and in the oracle alike: nothing is compared with code that is right, the code is caught
disagreeing with itself. What could be planted and is not, and why:

| Not planted | Why |
| --- | --- |
| leaving out of a restored slice the ticks it went through (`Snapshots.is_ahead`) | a slice's own due times say the same: 300 seeds without it gave no difference |
| clocks that detect needs on whole minutes | rule 2 made them needless: the oracle leaves out every clock that says nothing new |
| the web acknowledging on GET | no web runs here; tests/unit/web/test_routes.py |
| `commit` cut in half by a cancelled task, COMMITTING, AssertionError | a state of aiokafka's producer, which a bus in memory does not have; tests/kafka. Here an overdue step goes on by itself and has to be fenced ("a zombie uses its successor's producer") |
| transaction markers that a broker loses (Kafka 4.3.0, 4.3.1) | nothing above the bus can mend that; the chain's counters tell of it (tests/kafka, tests/chaos) |
| position from OffsetFetch | three of them: an old one, none at all and then the start, none at all and then the end |
"""

import sys
from typing import Final

from tests.simulation import plants_bus, plants_detect, plants_match, plants_shell
from tests.simulation.plant import Plant
from tests.simulation.run import simulate

PLANTS: Final[tuple[Plant, ...]] = (
    *plants_bus.PLANTS,
    *plants_match.PLANTS,
    *plants_detect.PLANTS,
    *plants_shell.PLANTS,
)
MOST: Final = 1000
"""Seeds within which each must be caught."""


def search(plant: Plant, most: int = MOST) -> tuple[int | None, str]:
    """The first seed that catches it, and how."""
    for seed in range(most):
        ran = simulate(seed, plant)
        if ran.violations:
            return seed, ran.violations[0]
    return None, ""


def main(*names: str) -> int:
    """Search from seed 0, and print what was found."""
    missed = 0
    print("| Bug | Seeds until caught | By |\n| --- | --- | --- |")
    for plant in PLANTS:
        if names and not any(name in plant.name for name in names):
            continue
        seed, how = search(plant)
        missed += seed is None
        print(f"| {plant.name} | {'-' if seed is None else seed + 1} | {how[:110]} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
