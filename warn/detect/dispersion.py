"""How clustered counts are: phi, the variance of a window's count as a multiple of its mean, per window.

Time is cut into blocks of a window's length. A block with n where m was usual says (n - m)^2 / m about phi, and says
it with weight min(1, m): a block in which next to nothing was expected says little. Summed over all blocks, empty
ones included, that is

    phi = sum w (n^2/m - n) / sum w,   w = min(1, m), and sum w ~ sum w n/m

in which empty blocks vanish, so silence costs nothing and teaches nothing. Both sums decay.
"""

from math import exp, expm1

from msgspec import Struct

from warn.detect.deviance import LEAST, deviance, winsorised

HALF_HOURS = 96.0
"""Two days in half hours: what was learnt is forgotten to 1/e."""
FIRM = 6.0
"""Nats that one block is worth at most."""
EVIDENCE = 10.0
"""The prior's weight, in blocks that had something."""


class Dispersion(Struct):
    """Sums as of half hour `step`, what this half hour adds to them, and the block of each window that is open."""

    excess: list[float]
    evidence: list[float]
    new_excess: list[float]
    new_evidence: list[float]
    block: list[int]
    number: list[float]
    mean: list[float]
    step: int = 0

    @classmethod
    def of(cls, windows: int) -> "Dispersion":
        """Nothing learnt, for so many windows."""
        zero = [0.0] * windows
        return cls(zero, zero[:], zero[:], zero[:], [0] * windows, zero[:], zero[:])

    def fit(self, prior: float, step: int) -> list[float]:
        """phi of each window when half hour `step` begins; never below 1, which is Poisson."""
        fade = exp((self.step - step) / HALF_HOURS) if step > self.step else 1.0
        return [
            max(1.0, (q * fade + prior * EVIDENCE) / (w * fade + EVIDENCE))
            for q, w in zip(self.excess, self.evidence, strict=True)
        ]

    def take(self, i: int, block: int, n: float, m: float, phi: float) -> None:
        """`n` more in a block of window `i` in which `m` is usual; closes the block before, if another."""
        if block != self.block[i]:
            self._close(i, phi)
            self.block[i], self.number[i] = block, 0.0
        self.number[i] += n
        self.mean[i] = m

    def _close(self, i: int, phi: float) -> None:
        n, m = self.number[i], max(self.mean[i], LEAST)
        if n > 0.0:
            n = winsorised(n, m, deviance(n, m, phi), FIRM)
            weight = min(1.0, m) / m
            self.new_excess[i] += weight * ((n - m) ** 2 + m * m / expm1(min(m, 50.0)))
            self.new_evidence[i] += weight * n

    def commit(self, step: int) -> None:
        """Add what half hour `step` taught to the sums."""
        if any(self.new_evidence):
            fade = exp((self.step - step) / HALF_HOURS) if step > self.step else 1.0
            self.excess = [q * fade + n for q, n in zip(self.excess, self.new_excess, strict=True)]
            self.evidence = [w * fade + n for w, n in zip(self.evidence, self.new_evidence, strict=True)]
            self.new_excess, self.new_evidence = [0.0] * len(self.excess), [0.0] * len(self.excess)
            self.step = max(step, self.step)
