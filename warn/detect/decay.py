"""Weights of what is past, in closed form: nothing here is stepped through quiet time.

A decayed sum is kept as (value, time of its last non-zero) and brought forward by one power of a whole number of
steps. What it is divided by, the decayed time that has passed, is a function of start and now alone. So learning that
nothing happened changes no byte, and a jump over a quiet year is the year.
"""

from math import exp, expm1

from msgspec import Struct


class Decayed(Struct):
    """A sum that forgets: `value` as it was at `step`, the last step at which something was added."""

    value: float = 0.0
    step: int = 0

    def at(self, step: int, tau: float) -> float:
        """The sum as it stands at `step`, `tau` being the steps in which it falls to 1/e."""
        gone = step - self.step
        return self.value * exp(-gone / tau) if gone > 0 else self.value

    def add(self, amount: float, step: int, tau: float) -> None:
        """Bring the sum forward to `step` and add to it; adding nothing changes nothing."""
        if amount != 0.0:
            self.value = self.at(step, tau) + amount
            self.step = max(step, self.step)


def exposure(age: float, tau: float) -> float:
    """Decayed time since the start: the integral of exp(-t/tau) over `age`; same unit as both."""
    return -tau * expm1(-age / tau) if age > 0 else 0.0


def blocks(number: float, tau: float) -> float:
    """Decayed number of whole blocks, the youngest counting 1: sum of exp(-k/tau) for k below `number`."""
    return expm1(-number / tau) / expm1(-1.0 / tau) if number > 0 else 0.0
