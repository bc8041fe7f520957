"""The canonical form: weighted, repeated and reordered data are the same arrays."""

import math

import numpy as np
import pytest

from sknoise.noise._rows import row_keys
from sknoise.training import _rows as training
from sknoise.training._rows import (
    chosen_rows,
    distinct_of,
    distinct_rows,
    grouped,
    held_out,
    repetitions,
    rows_as_given,
)
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
    repeated = distinct_rows(
        grouped(X.repeat(times, axis=0), y.repeat(times), np.ones(times.sum()))
    )
    same(distinct_rows(grouped(X, y, weight)), repeated)
    assert len(repeated) == np.count_nonzero(times)


def test_order_does_not_matter(data, rng):
    X, y, _ = data
    X, y = np.tile(X, (3, 1)), np.tile(y, 3)
    # Sums of such weights depend on their order.
    weight = rng.uniform(size=60)
    order = rng.permutation(60)
    same(
        distinct_rows(grouped(X, y, weight)),
        distinct_rows(grouped(X[order], y[order], weight[order])),
    )


def test_rows_as_given_keep_their_order(data):
    X, y, weight = data
    X, y, weight = np.tile(X, (2, 1)), np.tile(y, 2), np.tile(weight, 2)
    rows = rows_as_given(grouped(X, y, weight))
    np.testing.assert_array_equal(rows.X, X[weight > 0])
    np.testing.assert_allclose(rows.weight, weight[weight > 0] / weight[weight > 0].mean())


def test_one_row_with_two_labels_is_two_rows():
    X = np.ones((2, 1), dtype=np.float32)
    rows = distinct_rows(grouped(X, np.array([0, 1]), np.ones(2)))
    assert sorted(rows.y) == [0, 1]


def test_colliding_keys_lose_no_row(monkeypatch):
    monkeypatch.setattr(training, "row_keys", lambda X, y: np.zeros(len(X), dtype=np.uint64))
    X = np.arange(6, dtype=np.float32)[:, None]
    rows = distinct_rows(grouped(X, np.zeros(6, dtype=int), np.ones(6)))
    assert sorted(rows.X[:, 0]) == list(range(6))


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_the_scale_of_weights_does_not_matter(data, scale):
    X, y, _ = data
    rows = distinct_rows(grouped(X, y, np.full(20, scale)))
    np.testing.assert_allclose(rows.weight, 1)


@pytest.mark.parametrize("canonical", [distinct_rows, rows_as_given])
def test_rows_have_the_types_and_keys_of_the_program(data, canonical):
    X, y, weight = data
    rows = canonical(grouped(X, y, weight))
    assert [a.dtype for a in rows.arrays] == [np.float32, np.int32, np.float32, np.uint64]
    np.testing.assert_array_equal(rows.keys, row_keys(rows.X, rows.y))
    targets = np.stack([y, weight], axis=1).astype(np.float32)
    rows = canonical(grouped(X, targets, weight))
    assert [a.dtype for a in rows.arrays] == [np.float32, np.float32, np.float32, np.uint64]
    columns = np.concatenate([rows.X, rows.y], axis=1)
    np.testing.assert_array_equal(rows.keys, row_keys(columns, np.zeros(len(rows), dtype=int)))


def test_what_rounding_does_to_targets_moves_no_row(data, rng):
    X, _, weight = data
    y = rng.normal(size=(20, 2)).astype(np.float32)
    rows = distinct_rows(grouped(X, y, weight))
    for near in (np.nextafter(y, np.float32(9)), y + np.float32(1e-6)):
        others = distinct_rows(grouped(X, near, weight))
        np.testing.assert_array_equal(others.keys, rows.keys)
        np.testing.assert_array_equal(others.X, rows.X)
    # A tenth is no rounding.
    assert not np.isin(
        distinct_rows(grouped(X, y + np.float32(0.1), weight)).keys, rows.keys
    ).any()


def test_rows_of_one_key_are_distinct_by_their_targets(rng):
    # Targets that differ by less than the keys tell, in every order.
    X = np.ones((60, 2), dtype=np.float32)
    y = (1 + np.arange(60) % 3 * np.float32(1e-3)).astype(np.float32)[:, None]
    weight = rng.uniform(size=60)
    rows = distinct_rows(grouped(X, y, weight))
    assert len(np.unique(rows.keys)) == 1
    np.testing.assert_array_equal(rows.y, y[:3])
    sums = np.bincount(np.arange(60) % 3, weight)
    np.testing.assert_allclose(rows.weight, sums / sums.mean(), rtol=1e-6)
    order = rng.permutation(60)
    same(rows, distinct_rows(grouped(X[order], y[order], weight[order])))


def test_distinct_rows_are_in_the_order_of_their_keys(data):
    assert np.all(np.diff(distinct_rows(grouped(*data)).keys.astype(object)) > 0)


def test_only_rows_equal_in_all_columns_are_one(monkeypatch):
    monkeypatch.setattr(training, "row_keys", lambda X, y: np.zeros(len(X), dtype=np.uint64))
    X = np.array([[0, 1], [0, 2], [0, 2], [0, 2], [0, 2]], dtype=np.float32)
    y = np.array([[5, 6], [5, 6], [5, 7], [5, 7], [5, 8]], dtype=np.float32)
    rows = distinct_rows(grouped(X, y, np.array([1, 2, 3, 3, 4.0])))
    np.testing.assert_array_equal(rows.X, X[[0, 1, 2, 4]])
    np.testing.assert_array_equal(rows.y, y[[0, 1, 2, 4]])
    np.testing.assert_allclose(rows.weight, np.array([1, 2, 6, 4]) / (13 / 4))


def test_each_row_as_given_is_one_of_the_distinct_rows(data):
    X, y, weight = data
    X, y, weight = np.tile(X, (2, 1)), np.tile(y, 2), np.tile(weight, 2)
    groups = grouped(X, y, weight)
    given, rows, which = rows_as_given(groups), distinct_rows(groups), distinct_of(groups)
    for name in ("X", "y", "keys"):
        np.testing.assert_array_equal(getattr(rows, name)[which], getattr(given, name))


def test_rows_of_one_key_are_told_apart(monkeypatch):
    monkeypatch.setattr(training, "row_keys", lambda X, y: np.zeros(len(X), dtype=np.uint64))
    X = np.zeros((6, 1), dtype=np.float32)
    y = np.array([2, 0, 1, 0, 2, 2])
    groups = grouped(X, y, np.ones(6))
    np.testing.assert_array_equal(repetitions(groups, np.ones(6)), [2, 1, 3])
    np.testing.assert_array_equal(distinct_of(groups), y)


def test_whole_weights_repeat_and_others_do_not(data, rng):
    X, y, weight = data
    times = weight.astype(int)
    expected = np.ones(times.sum())
    expected = repetitions(grouped(X.repeat(times, axis=0), y.repeat(times), expected), expected)
    np.testing.assert_array_equal(repetitions(grouped(X, y, weight), weight), expected)
    assert sorted(expected) == sorted(times[times > 0])
    # Halves twice are whole.
    twice = np.tile(X, (2, 1)), np.tile(y, 2), np.tile(weight / 2, 2)
    np.testing.assert_array_equal(repetitions(grouped(*twice), twice[2]), expected)
    # One that is not whole says of all that they do not repeat.
    part = weight.copy()
    part[weight.argmax()] += 0.5
    np.testing.assert_array_equal(repetitions(grouped(X, y, part), part), np.ones(len(expected)))
    # Weights of classes repeat nothing, but leave rows out.
    by_class = weight * np.where(y == 1, 0.3, 0)
    found = repetitions(grouped(X, y, by_class), weight)
    assert sorted(found) == sorted(weight[by_class > 0])


def held_by_the_rule(data, copies, fraction, key):
    """The share of each row, copy by copy, in plain Python."""
    held = np.zeros(len(data))
    classes = data.y if data.y.ndim == 1 else np.zeros(len(data))
    for label in np.unique(classes):
        ranked = sorted(
            (splitmix.mixed(((int(data.keys[i]) ^ key) + j) % 2**64), i)
            for i in np.flatnonzero(classes == label)
            for j in range(copies[i])
        )
        n_held = min(math.ceil(fraction * len(ranked)), len(ranked) - 1)
        for _, i in ranked[:n_held]:
            held[i] += 1 / copies[i]
    return held


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("targets", ["labels", "numbers"])
def test_rows_are_held_out_whole_by_their_keys(rng, fraction, targets):
    X = rng.normal(size=(41, 2)).astype(np.float32)
    # One class has a single row, which is left for training.
    y = np.array([0] * 10 + [1] * 30 + [2]) if targets == "labels" else X[:, :1]
    data, key = distinct_rows(grouped(X, y, np.ones(41))), 2**63 + 5
    held = held_out(data, np.ones(41), fraction, key)
    np.testing.assert_array_equal(held, held_by_the_rule(data, [1] * 41, fraction, key))
    # Another key holds others out.
    other = held_out(data, np.ones(41), fraction, key + 1)
    assert fraction in (0.01, 0.99) or (other != held).any()


@pytest.mark.parametrize("fraction", [0.1, 0.3])
@pytest.mark.parametrize("targets", ["labels", "numbers"])
def test_rows_given_often_are_held_out_in_part(rng, fraction, targets):
    X = rng.normal(size=(30, 2)).astype(np.float32)
    y = rng.integers(3, size=30) if targets == "labels" else X[:, :1]
    times, key = rng.permutation([1, 2, 3, 4, 5, 8, 30, 200, 1000, 1] * 3).astype(float), 2**64 - 3
    groups = grouped(X, y, times)
    data, times = distinct_rows(groups), repetitions(groups, times)
    held = held_out(data, times, fraction, key)
    assert held.dtype == np.float32
    # What rounds to no copy stays together.
    often = times >= (5 if fraction == 0.1 else 2)
    copies = np.where(often, times, 1).astype(int)
    np.testing.assert_allclose(held, held_by_the_rule(data, copies, fraction, key), rtol=1e-6)
    assert set(held[~often]) <= {0, 1}
    np.testing.assert_allclose(held[times >= 200], fraction, atol=0.1)


def test_a_share_of_each_cell_of_a_table_is_held_out():
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    y = np.array([0, 1, 1, 0])
    # A tenth of each class: to the copy, whatever the cells get.
    for key in range(20):
        data = distinct_rows(grouped(X, y, np.full(4, 500.0)))
        held = held_out(data, np.full(4, 500.0), 0.1, key)
        np.testing.assert_allclose(held, 0.1, atol=0.05)
        for label in (0, 1):
            assert held[data.y == label].sum() * 500 == pytest.approx(100)


def counted(n_rows, weight):
    """Give distinct rows, and how often each counts as given."""
    X, y = np.arange(n_rows, dtype=np.float32)[:, None], np.arange(n_rows) % 2
    weight = np.full(n_rows, weight)
    groups = grouped(X, y, weight)
    return distinct_rows(groups), repetitions(groups, weight)


def test_rows_given_times_without_number_are_held_out_too():
    data, times = counted(20, 1e15)
    np.testing.assert_array_equal(times, 5000)
    held = held_out(data, times, 0.1, 0)
    np.testing.assert_allclose(held, 0.1, atol=0.02)
    assert held.mean() == pytest.approx(0.1)
    # Many rows, each of which counts as ten.
    data, times = counted(20_000, 1000.0)
    np.testing.assert_array_equal(times, 10)
    held = held_out(data, times, 0.1, 0)
    np.testing.assert_allclose(held * 10, np.round(held * 10), atol=1e-5)
    assert held.mean() == pytest.approx(0.1)
    # Larger floats are whole whatever they mean.
    np.testing.assert_array_equal(counted(20, 1e16)[1], 1)


def test_chosen_rows_have_their_share_of_the_weight(data, rng):
    rows = distinct_rows(grouped(*data))
    share = np.where(np.arange(len(rows)) % 3 > 0, rng.uniform(size=len(rows)), 0)
    share = share.astype(np.float32)
    chosen = chosen_rows(rows, share)
    for all_rows, some in zip(rows.arrays, chosen.arrays, strict=True):
        assert some.dtype == all_rows.dtype
    for name in ("X", "y", "keys"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(rows, name)[share > 0])
    expected = (rows.weight * share)[share > 0]
    np.testing.assert_allclose(chosen.weight, expected / expected.mean(), rtol=1e-6)
