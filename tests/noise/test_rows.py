"""Row keys: functions of a row's content, and spread like random numbers."""

import struct

import numpy as np

from sknoise.noise._rows import mix, row_keys
from tests.oracles import splitmix


def test_mix_gives_what_splitmix64_gives():
    # The first numbers of the published generator from the seed 1234567, whose state grows by
    # the golden ratio: https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64.
    states = [(1234567 + i * 0x9E3779B97F4A7C15) % 2**64 for i in range(1, 6)]
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert mix(np.array(states, dtype=np.uint64)).tolist() == published
    assert [splitmix.mixed(state) for state in states] == published


def test_keys_stay_what_they_are(rng):
    # Otherwise what was trained with the same random_state would change.
    X = rng.normal(size=(20, 3)).astype(np.float32)
    y = rng.integers(5, size=20)

    def key(row, label):
        bits = (struct.unpack("<I", struct.pack("<f", x))[0] for x in row)
        total = sum(splitmix.mixed((column << 32) + b) for column, b in enumerate(bits))
        return splitmix.mixed(total % 2**64 ^ splitmix.mixed(label + 1))

    expected = [key(row, int(label)) for row, label in zip(X, y, strict=True)]
    assert row_keys(X, y).tolist() == expected
    assert row_keys(X, y).dtype == np.uint64


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
    # One row alone is larger than a block.
    wide = rng.normal(size=(3, 140_000)).astype(np.float32)
    keys = row_keys(wide, y[:3])
    np.testing.assert_array_equal(row_keys(wide[1:2], y[:1]), keys[1:2])


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
