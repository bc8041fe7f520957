"""The canonical form: weighted, repeated and reordered data are the same arrays."""

import math

import numpy as np
import pytest

from sknoise.noise._rows import row_keys
from sknoise.training import _rows as training
from sknoise.training._rows import chosen_rows, distinct_rows, held_out, rows_as_given
from tests.oracles import splitmix


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


@pytest.mark.parametrize("canonical", [distinct_rows, rows_as_given])
def test_rows_have_the_types_and_keys_of_the_program(data, canonical):
    X, y, weight = data
    rows = canonical(X, y, weight)
    assert [a.dtype for a in rows.arrays] == [np.float32, np.int32, np.float32, np.uint64]
    np.testing.assert_array_equal(rows.keys, row_keys(rows.X, rows.y))
    targets = np.stack([y, weight], axis=1).astype(np.float32)
    rows = canonical(X, targets, weight)
    assert [a.dtype for a in rows.arrays] == [np.float32, np.float32, np.float32, np.uint64]
    columns = np.concatenate([rows.X, rows.y], axis=1)
    np.testing.assert_array_equal(rows.keys, row_keys(columns, np.zeros(len(rows), dtype=int)))


def test_distinct_rows_are_in_the_order_of_their_keys(data):
    assert np.all(np.diff(distinct_rows(*data).keys.astype(object)) > 0)


def test_only_rows_equal_in_all_columns_are_one(monkeypatch):
    monkeypatch.setattr(training, "row_keys", lambda X, y: np.zeros(len(X), dtype=np.uint64))
    X = np.array([[0, 1], [0, 2], [0, 2], [0, 2], [0, 2]], dtype=np.float32)
    y = np.array([[5, 6], [5, 6], [5, 7], [5, 7], [5, 8]], dtype=np.float32)
    rows = distinct_rows(X, y, np.array([1, 2, 3, 3, 4.0]))
    np.testing.assert_array_equal(rows.X, X[[0, 1, 2, 4]])
    np.testing.assert_array_equal(rows.y, y[[0, 1, 2, 4]])
    np.testing.assert_allclose(rows.weight, np.array([1, 2, 6, 4]) / (13 / 4))


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("targets", ["labels", "numbers"])
def test_held_out_rows_are_a_fraction_of_each_class_by_their_keys(rng, fraction, targets):
    X = rng.normal(size=(41, 2)).astype(np.float32)
    # One class has a single row, which is left for training.
    classes = np.array([0] * 10 + [1] * 30 + [2])
    y = classes if targets == "labels" else X[:, :1]
    data, key = distinct_rows(X, y, np.ones(41)), 2**63 + 5
    held = held_out(data, fraction, key)
    rank = sorted(range(41), key=lambda i: splitmix.mixed(int(data.keys[i]) ^ key))
    for label in (0, 1, 2) if targets == "labels" else (None,):
        members = [i for i in rank if label is None or data.y[i] == label]
        n_held = min(math.ceil(fraction * len(members)), len(members) - 1)
        assert held[members].tolist() == [True] * n_held + [False] * (len(members) - n_held)
    # Another key holds others out.
    assert fraction in (0.01, 0.99) or (held_out(data, fraction, key + 1) != held).any()


def test_chosen_rows_are_those_of_the_mask(data):
    rows = distinct_rows(*data)
    mask = np.arange(len(rows)) % 3 > 0
    chosen = chosen_rows(rows, mask)
    for all_rows, some in zip(rows.arrays, chosen.arrays, strict=True):
        assert some.dtype == all_rows.dtype
    for name in ("X", "y", "keys"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(rows, name)[mask])
    expected = rows.weight[mask] / rows.weight[mask].mean()
    np.testing.assert_allclose(chosen.weight, expected, rtol=1e-6)
