"""The temperature, against a minimiser of its objective, and where it has little to go by."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from sknoise.selection._temperature import _PRIOR, fitted_temperature, scaled_log_p


def sample(n, sharpness, n_classes=3, seed=0):
    """Rows whose classes come with the probabilities, and these as sharp as asked for."""
    rng = np.random.default_rng(seed)
    log_p = log_softmax(2 * rng.normal(size=(n, n_classes)), axis=1)
    which = (rng.random(n)[:, None] > np.exp(log_p).cumsum(axis=1)).sum(axis=1)
    return log_softmax(sharpness * log_p, axis=1), which


def objective(log_t, log_p, which, weight):
    scaled = log_softmax(log_p / np.exp(log_t), axis=1)
    loss = -(weight * scaled[np.arange(len(which)), which]).sum()
    return loss + (log_t / _PRIOR) ** 2 / 2


@pytest.mark.parametrize("sharpness", [0.4, 1, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_minimises_loss_and_prior(sharpness, n_classes):
    log_p, which = sample(200, sharpness, n_classes)
    weight = np.random.default_rng(1).uniform(0, 3, 200)
    found = minimize_scalar(
        objective, bounds=(-4, 4), args=(log_p, which, weight), options={"xatol": 1e-9}
    )
    assert fitted_temperature(log_p, which, weight) == pytest.approx(np.exp(found.x), rel=1e-5)


def test_many_rows_tell_the_truth():
    log_p, which = sample(20_000, sharpness=2.5)
    assert fitted_temperature(log_p, which, np.ones(20_000)) == pytest.approx(2.5, rel=0.05)


def test_a_weight_is_as_many_rows():
    log_p, which = sample(100, 2)
    times = np.random.default_rng(2).integers(0, 4, 100)
    weighted = fitted_temperature(log_p, which, times)
    repeated = fitted_temperature(
        log_p.repeat(times, 0), which.repeat(times), np.ones(times.sum())
    )
    assert weighted == pytest.approx(repeated, rel=1e-12)


def test_few_rows_that_are_all_right_do_not_make_it_certain():
    log_p = np.log(np.tile([0.9, 0.1], (20, 1)))
    t = fitted_temperature(log_p, np.zeros(20, dtype=int), np.ones(20))
    assert 0.1 < t < 1


def test_nothing_to_go_by_is_one():
    even = np.log(np.full((10, 2), 0.5))
    assert fitted_temperature(even, np.zeros(10, dtype=int), np.ones(10)) == pytest.approx(1)
    assert fitted_temperature(np.zeros((10, 1)), np.zeros(10, dtype=int), np.ones(10)) == 1


def test_scaled_probabilities_sum_to_one():
    log_p, _ = sample(10, 1)
    assert scaled_log_p(log_p, 1.0) is log_p
    assert np.exp(scaled_log_p(log_p, 2.5)).sum(axis=1) == pytest.approx(np.ones(10))
