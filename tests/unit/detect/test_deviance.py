"""Surprise in nats against exact tail probabilities."""

from math import exp, lgamma, log

import pytest

from warn.detect.deviance import deviance, winsorised


def _tail(n: int, m: float, phi: float) -> float:
    """P(N >= n) of the negative binomial with mean m and variance phi m, summed."""
    r = m / (phi - 1.0)
    terms = (
        exp(lgamma(k + r) - lgamma(r) - lgamma(k + 1) + r * log(r / (m + r)) + k * log(m / (m + r)))
        for k in range(n, n + 4000)
    )
    return sum(terms)


@pytest.mark.parametrize(("n", "m", "phi"), [(8, 0.5, 1.5), (20, 5.0, 2.0), (60, 20.0, 4.0), (100, 0.7, 8.0)])
def test_is_about_the_log_of_the_tail(n: int, m: float, phi: float) -> None:
    """The chance of n or more is at most exp(-G), and not much less."""
    assert 0.0 <= -log(_tail(n, m, phi)) - deviance(n, m, phi) < 6.0


def test_nothing_above_the_usual_is_no_surprise() -> None:
    assert deviance(5, 5.0, 2.0) == 0.0
    assert deviance(0, 0.0, 1.0) == 0.0


def test_clusters_surprise_less() -> None:
    """The same count says less where mentions come in clusters, and Poisson is the limit."""
    surprises = [deviance(30, 5.0, phi) for phi in (1.0, 1.02, 1.1, 2.0, 10.0)]
    assert surprises == sorted(surprises, reverse=True)
    assert surprises[0] == pytest.approx(surprises[1], rel=0.05)


def test_a_firm_surprise_is_learnt_as_no_more() -> None:
    n, m = 500.0, 3.0
    pulled = winsorised(n, m, deviance(n, m, 1.0), 6.0)
    assert m < pulled < n
    assert deviance(pulled, m, 1.0) < 12.0
    assert winsorised(4.0, m, 0.2, 6.0) == 4.0
