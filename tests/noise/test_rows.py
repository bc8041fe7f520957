"""Row keys: functions of a row's content, and spread like random numbers."""

import numpy as np

from sknoise.noise._rows import row_keys


def test_keys_follow_the_rows(rng):
    X = rng.normal(size=(50, 3)).astype(np.float32)
    y = rng.integers(3, size=50)
    order = rng.permutation(50)
    np.testing.assert_array_equal(row_keys(X[order], y[order]), row_keys(X, y)[order])


def test_memory_layout_and_block_size_do_not_matter(rng):
    X = rng.normal(size=(3_000, 70)).astype(np.float32)
    y = np.zeros(3_000, dtype=int)
    keys = row_keys(X, y)
    np.testing.assert_array_equal(row_keys(np.asfortranarray(X), y), keys)
    np.testing.assert_array_equal(row_keys(X[2_990:], y[2_990:]), keys[2_990:])


def test_label_and_column_matter():
    X = np.array([[1, 2], [2, 1], [1, 2], [0, 3], [0, 0]], dtype=np.float32)
    assert len(np.unique(row_keys(X, np.array([0, 0, 1, 0, 0])))) == 5


def test_negative_zero_is_zero():
    X = np.array([[0.0], [-0.0]], dtype=np.float32)
    keys = row_keys(X, np.array([0, 0]))
    assert keys[0] == keys[1]


def test_no_collision_on_a_grid_of_small_integers():
    # Small integers share their low bits as float32, which a linear hash would collide on.
    side = np.arange(64, dtype=np.float32)
    X = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    keys = row_keys(X, np.zeros(len(X), dtype=int))
    assert len(np.unique(keys)) == len(X)
    # Each bit is set in half of the keys.
    bits = (keys[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(len(X))
