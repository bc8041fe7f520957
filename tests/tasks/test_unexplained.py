"""What "auto" parameters go by."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from sknoise.tasks._automatic import automatic
from sknoise.tasks._unexplained import _PENALTIES, _kernel, unexplained
from sknoise.training._rows import distinct_rows, grouped, repetitions
from sknoise.training._types import Rows


def of(X, y, weight=None, sample_weight=None):
    """Read rows as ``fit`` does."""
    X, y = np.asarray(X, np.float32), np.asarray(y)
    weight = np.ones(len(X)) if weight is None else weight
    sample_weight = weight if sample_weight is None else sample_weight
    groups = grouped(X, y, weight)
    return unexplained(distinct_rows(groups), repetitions(groups, sample_weight))


def by_refitting(X, y, copies, weight):
    """Leave each copy out, and fit scikit-learn's kernel ridge regression to the others."""
    y = (y[:, None] == np.unique(y)).astype(float) if y.ndim == 1 else y.astype(float)
    weight = weight * copies.sum() / weight.sum()
    y = y - np.average(y, axis=0, weights=weight)
    kernel = _kernel(X.astype(float))
    left = []
    for penalty in _PENALTIES:
        error = 0.0
        for i in range(len(X)):
            without = weight.copy()
            without[i] *= 1 - 1 / copies[i]
            rest = np.flatnonzero(without)
            model = KernelRidge(alpha=penalty, kernel="precomputed")
            model.fit(kernel[np.ix_(rest, rest)], y[rest], sample_weight=without[rest])
            error += weight[i] * ((model.predict(kernel[[i]][:, rest]) - y[i]) ** 2).sum()
        left.append(error / (weight[:, None] * y**2).sum())
    return min(1.0, min(left))


@pytest.mark.parametrize("outputs", [None, 1, 2])
@pytest.mark.parametrize("repeated", [False, True])
def test_it_is_the_error_of_refitting_without_each_row(outputs, repeated):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)).astype(np.float32)
    y = (X.sum(axis=1) + rng.normal(size=30) > 0).astype(np.int32)
    if outputs:
        y = (X @ rng.normal(size=(2, outputs)) + rng.normal(size=(30, outputs))).astype(np.float32)
    copies = rng.integers(1, 5, 30).astype(float) if repeated else np.ones(30)
    weight = (copies / copies.mean()).astype(np.float32)
    found = unexplained(Rows(X, y, weight), copies)
    assert 0.2 < found < 1
    assert found == pytest.approx(by_refitting(X, y, copies, weight.astype(float)), abs=6e-4)


def test_clear_classes_leave_little_and_noise_leaves_all():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    inside = (X**2).sum(axis=1) < 2
    assert of(X, inside.astype(np.int32)) < 0.3
    assert of(X, rng.integers(0, 2, 300).astype(np.int32)) > 0.95
    assert of(X, np.zeros(300, np.int32)) == 0
    assert of(X, np.full((300, 1), 3.0, np.float32)) == 0
    assert of(X * 0, inside.astype(np.int32)) > 0.95


def test_a_table_of_few_cells_leaves_what_no_model_could_explain():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (3000, 4)).astype(np.float32)
    p = np.where(X[:, 0] != X[:, 1], 0.85, 0.15)
    y = (rng.random(3000) < p).astype(np.int32)
    assert of(X, y) == pytest.approx((p * (1 - p)).mean() / y.var(), abs=0.02)


def test_order_repetition_and_scale_change_no_bit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=600) > 0).astype(np.int32)
    times = rng.integers(1, 4, 600)
    expected = of(X, y, times.astype(float))
    order = rng.permutation(times.sum())
    assert of(X.repeat(times, axis=0)[order], y.repeat(times)[order]) == expected
    # Few enough that all are looked at.
    assert of(X[:400] * 1024, y[:400]) == of(X[:400], y[:400])


def test_automatic_parameters():
    assert automatic("alpha", "auto", 0.5) == 0.6 * 0.25
    assert automatic("noise_input", "auto", 1.0) == 0.2
    assert automatic("noise_hidden", "auto", 0.0) == 0
    assert automatic("noise_hidden", (0.1, 0.2), None) == (0.1, 0.2)
