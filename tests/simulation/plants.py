"""Every planted bug.

python -m tests.simulation.plants             how many seeds until each is caught
"""

import sys
from typing import Final

from tests.simulation import plants_bus, plants_detect, plants_match, plants_shell
from tests.simulation.plant import Plant
from tests.simulation.run import simulate

PLANTS: Final = (*plants_bus.PLANTS, *plants_match.PLANTS, *plants_detect.PLANTS, *plants_shell.PLANTS)


def search(plant: Plant, most: int = 1000) -> tuple[int | None, str]:
    """The first seed that catches it, and how."""
    for seed in range(most):
        ran = simulate(seed, plant)
        if ran.violations:
            return seed, ran.violations[0]
    return None, ""


def main(*names: str) -> int:
    """Search from seed 0, and print what was found."""
    missed = 0
    for plant in PLANTS:
        if names and not any(name in plant.name for name in names):
            continue
        seed, how = search(plant)
        missed += seed is None
        print(f"| {plant.name} | {'-' if seed is None else seed + 1} | {how[:110]} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
