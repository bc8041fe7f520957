"""What targets are standardised by: means and deviations, whatever their scale and order."""

import numpy as np
import pytest
from scipy import stats

from sknoise.tasks import read_units


@pytest.fixture
def targets(rng):
    return rng.normal(size=(50, 2)) * [1e-4, 1e16] + [1e6, -3], rng.uniform(size=50)


def test_mean_and_deviation_are_numpys(targets):
    y, weight = targets
    units = read_units(y, weight, False)
    mean = np.average(y, axis=0, weights=weight)
    np.testing.assert_allclose(units.center, mean, rtol=1e-14)
    variance = np.average((y - mean) ** 2, axis=0, weights=weight)
    np.testing.assert_allclose(units.scale, np.sqrt(variance), rtol=1e-6)
    z = units.standardised("y", y)
    assert z.dtype == np.float32
    np.testing.assert_allclose(np.average(z, axis=0, weights=weight), 0, atol=1e-6)
    np.testing.assert_allclose(np.average(z**2, axis=0, weights=weight), 1, atol=1e-6)


def test_counts_are_divided_by_their_mean(rng):
    y, weight = rng.poisson([3, 500], size=(50, 2)).astype(float), rng.uniform(size=50)
    units = read_units(y, weight, True)
    np.testing.assert_array_equal(units.center, 0)
    np.testing.assert_allclose(units.scale, np.average(y, axis=0, weights=weight))
    np.testing.assert_array_equal(read_units(0 * y, weight, True).scale, 1)


@pytest.mark.parametrize("exponential", [False, True])
def test_order_repetition_and_rows_of_no_weight_change_no_bit(rng, exponential):
    y = rng.choice(rng.uniform(size=20), size=(90, 2)) * 1e5
    times = rng.integers(0, 4, size=90)
    first = read_units(y, times.astype(float), exponential)
    repeated = read_units(y.repeat(times, axis=0), np.ones(times.sum()), exponential)
    # Sums of such weights depend on their order.
    weight = rng.uniform(size=90)
    order = rng.permutation(90)
    one = read_units(y, weight, exponential)
    other = read_units(y[order], weight[order], exponential)
    for a, b in ((first, repeated), (one, other)):
        np.testing.assert_array_equal(a.center, b.center)
        np.testing.assert_array_equal(a.scale, b.scale)
    assert (one.scale != first.scale).all()


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-300, 2.0**300, 2.0**990])
def test_scales_of_targets_and_weights_do_not_matter(targets, scale):
    y, weight = stats.zscore(targets[0]), targets[1]
    expected = read_units(y, weight, False)
    units = read_units(y * scale, weight * 2.0**1000, False)
    np.testing.assert_allclose(units.scale / scale, expected.scale, rtol=1e-15)
    z = units.standardised("y", y * scale)
    np.testing.assert_array_equal(z, expected.standardised("y", y))


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9, 1e299, 5e-324])
def test_constants_are_their_mean(value):
    units = read_units(np.full((7, 1), value), np.arange(1.0, 8), False)
    assert units.center == value
    assert units.scale == 1


def test_targets_that_cannot_be_standardised():
    y = np.array([[0.0], [1.0]])
    with pytest.raises(ValueError, match=r"y has 2e\+300 or its negative; targets go up to 1e\+3"):
        read_units(-2e300 * y, np.ones(2), False)
    units = read_units(1e-300 * y, np.ones(2), False)
    with pytest.raises(ValueError, match=r"y_val has 1.0, too far from the targets of the first"):
        units.standardised("y_val", y)
