"""The canonical form: weighted, repeated and reordered data are the same arrays."""

import numpy as np
import pytest

from sknoise.training import _rows as training
from sknoise.training._rows import distinct_rows, rows_as_given


@pytest.fixture
def data(rng):
    X = rng.normal(size=(20, 3)).astype(np.float32)
    return X, rng.integers(2, size=20), rng.integers(0, 4, size=20).astype(float)


def same(a, b):
    for x, y in zip((a.X, a.y, a.weight, a.keys), (b.X, b.y, b.weight, b.keys), strict=True):
        np.testing.assert_array_equal(x, y)


def test_weights_are_repetitions(data):
    X, y, weight = data
    times = weight.astype(int)
    repeated = distinct_rows(X.repeat(times, axis=0), y.repeat(times), np.ones(times.sum()))
    same(distinct_rows(X, y, weight), repeated)
    assert len(repeated) == np.count_nonzero(times)


def test_order_does_not_matter(data, rng):
    X, y, _ = data
    X, y = np.tile(X, (3, 1)), np.tile(y, 3)
    # Sums of such weights depend on their order.
    weight = rng.uniform(size=60)
    order = rng.permutation(60)
    same(distinct_rows(X, y, weight), distinct_rows(X[order], y[order], weight[order]))


def test_rows_as_given_keep_their_order(data):
    X, y, weight = data
    X, y, weight = np.tile(X, (2, 1)), np.tile(y, 2), np.tile(weight, 2)
    rows = rows_as_given(X, y, weight)
    np.testing.assert_array_equal(rows.X, X[weight > 0])
    np.testing.assert_allclose(rows.weight, weight[weight > 0] / weight[weight > 0].mean())


def test_one_row_with_two_labels_is_two_rows():
    X = np.ones((2, 1), dtype=np.float32)
    rows = distinct_rows(X, np.array([0, 1]), np.ones(2))
    assert sorted(rows.y) == [0, 1]


def test_colliding_keys_lose_no_row(monkeypatch):
    monkeypatch.setattr(training, "row_keys", lambda X, y: np.zeros(len(X), dtype=np.uint64))
    X = np.arange(6, dtype=np.float32)[:, None]
    rows = distinct_rows(X, np.zeros(6, dtype=int), np.ones(6))
    assert sorted(rows.X[:, 0]) == list(range(6))


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_the_scale_of_weights_does_not_matter(data, scale):
    X, y, _ = data
    rows = distinct_rows(X, y, np.full(20, scale))
    np.testing.assert_allclose(rows.weight, 1)
