"""How surprising a count is: half the deviance of an over-dispersed count, in nats.

Counts of mentions come in clusters, so the yardstick is a negative binomial whose variance is `phi` times its mean m
(NB1). The chance of n or more is at most about exp(-G(n)) (Chernoff), which makes one scale of all windows.
"""

from math import log

CONTINUITY = 0.5
"""Counts are whole numbers: n is judged as n - 1/2, so that one mention about a silent brand is no infinity."""
NEARLY_POISSON = 1.02
LEAST = 1e-9


def deviance(n: float, m: float, phi: float) -> float:
    """G in nats of `n` where `m` is usual and the variance is `phi` times the mean; 0 where n is not above m.

    With v = n - 1/2 and r = m / (phi - 1): v ln(v/m) - (v + r) ln((v + r)/(m + r)); for phi near 1 its limit, the
    Poisson's v ln(v/m) - (v - m). Source: McCullagh and Nelder, Generalized Linear Models, 2nd ed., section 6.
    """
    v = n - CONTINUITY
    m = max(m, LEAST)
    if v <= m:
        return 0.0
    if phi < NEARLY_POISSON:
        return v * log(v / m) - (v - m)
    r = m / (phi - 1.0)
    return v * log(v / m) - (v + r) * log((v + r) / (m + r))


def winsorised(n: float, m: float, g: float, most: float) -> float:
    """`n` pulled back towards `m` so that it is worth about `most` nats, `g` being what it is worth.

    G is nearly linear far out, so one proportion does. What is learnt from a crisis is thereby a firm surprise and
    no more, and a brand whose ordinary lumps are large learns a large `phi`, which lets the next one through.
    """
    return n if g <= most else m + (n - m) * most / g
