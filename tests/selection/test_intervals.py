"""Intervals by CV+, against the definition, row by row."""

import math

import numpy as np
import pytest

from sknoise.selection._intervals import interval

RNG = np.random.default_rng(0)


def by_definition(predictions, errors, coverage):
    """As Barber et al. (2021) write it: the k-th smallest and k-th largest of n numbers."""
    n = sum(len(error) for error in errors)
    k = math.ceil(coverage * (n + 1) - 1e-9)
    upper = sorted(p + e for p, error in zip(predictions, errors, strict=True) for e in error)
    lower = sorted(
        (p - e for p, error in zip(predictions, errors, strict=True) for e in error), reverse=True
    )
    return (lower[k - 1], upper[k - 1]) if k <= n else (-math.inf, math.inf)


@pytest.mark.parametrize("coverage", [0.05, 0.5, 0.8, 0.9, 0.95, 0.99])
def test_they_are_those_of_the_definition(coverage):
    predictions = RNG.normal(size=(4, 6, 2))
    errors = [RNG.exponential(size=(n, 2)) for n in (9, 10, 10, 10)]
    lower, upper = interval(predictions, [(e, np.ones(len(e))) for e in errors], coverage)
    for row in range(6):
        for k in range(2):
            bounds = by_definition(predictions[:, row, k], [e[:, k] for e in errors], coverage)
            assert (lower[row, k], upper[row, k]) == pytest.approx(bounds)


def test_a_weight_is_as_many_rows():
    predictions = RNG.normal(size=(2, 5, 1))
    times = [RNG.integers(1, 4, 8), RNG.integers(1, 4, 8)]
    errors = [RNG.exponential(size=(8, 1)) for _ in range(2)]
    weighted = interval(predictions, list(zip(errors, times, strict=True)), 0.8)
    repeated = interval(
        predictions,
        [(e.repeat(t, axis=0), np.ones(t.sum())) for e, t in zip(errors, times, strict=True)],
        0.8,
    )
    assert np.array_equal(weighted, repeated)


def test_many_rows_are_as_few():
    predictions = RNG.normal(size=(3, 2500, 1))
    errors = [(RNG.exponential(size=(5, 1)), np.ones(5)) for _ in range(3)]
    whole = np.array(interval(predictions, errors, 0.7))
    alone = np.array(interval(predictions[:, 2400:], errors, 0.7))
    assert np.array_equal(whole[:, 2400:], alone)


def test_they_cover_what_they_promise():
    # Exchangeable errors about a known mean: the coverage is exact.
    inside = []
    for _ in range(400):
        errors = [(np.abs(RNG.normal(size=(10, 1))), np.ones(10)) for _ in range(2)]
        lower, upper = interval(np.zeros((2, 50, 1)), errors, 0.8)
        y = RNG.normal(size=(50, 1))
        inside.append(((lower <= y) & (y <= upper)).mean())
    assert np.mean(inside) == pytest.approx(17 / 21, abs=0.02)
