"""The generator against published vectors, TensorFlow's own Philox, and the normal law."""

import numpy as np
import pytest
from keras import ops
from scipy import stats

from sknoise.noise._philox import DISTRIBUTIONS, draw, philox_4x32
from sknoise.training._backends import backend
from tests.oracles import philox as oracle

PI = ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0])


def as_words(*words):
    return [np.array([w], np.uint32) for w in words]


def compiled(function, *arguments):
    """Call a function as programs are compiled on Keras's backend."""
    return backend().Compiled(function, arguments)(arguments)


# From the file kat_vectors of the authors' library, Random123.
@pytest.mark.parametrize(
    ("n_rounds", "counter", "key", "expected"),
    [
        (7, [0] * 4, [0] * 2, "5f6fb709 0d893f64 4f121f81 4f730a48"),
        (10, [0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (10, [0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (10, *PI, "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers(n_rounds, counter, key, expected):
    words = compiled(
        lambda *words: philox_4x32(words[:4], words[4:], n_rounds), *as_words(*counter, *key)
    )
    assert " ".join(f"{int(w[0]):08x}" for w in words) == expected


@pytest.mark.tensorflow
def test_agrees_with_tensorflow():
    import tensorflow as tf

    # The same cipher with ten rounds, in TensorFlow's C++; its counter counts blocks.
    n = 256
    key, counter = 0x0123456789ABCDEF, (5 << 32) + 7
    theirs = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[4 * n],
        key=tf.constant([key], tf.uint64),
        counter=tf.constant([counter, 11], tf.uint64),
        alg=1,
        dtype=tf.uint32,
    )
    low = np.uint32((counter & 0xFFFFFFFF) + np.arange(n))
    ours = philox_4x32(
        [low, *as_words(counter >> 32, 11, 0)], as_words(key & 0xFFFFFFFF, key >> 32), 10
    )
    np.testing.assert_array_equal(theirs.numpy().reshape(n, 4).T, np.stack(ours))


@pytest.mark.parametrize("distribution", oracle.QUANTILES)
def test_every_cell_gives_the_right_quantile(distribution):
    cells = np.arange(2**23, dtype=np.uint32)
    (z,) = compiled(DISTRIBUTIONS[distribution], cells << np.uint32(9))
    exact = oracle.QUANTILES[distribution]((cells + 0.5) / 2**23)
    np.testing.assert_allclose(z, exact, rtol=2e-6, atol=2e-7)
    # The mean is 0, and so is each odd moment.
    np.testing.assert_array_equal(z, -z[::-1])
    assert abs(z.var(dtype=float) - 1) < 1e-4
    assert np.abs(z).max() < {"gaussian": 5.3, "uniform": 3**0.5, "laplace": 11.5}[distribution]


def test_every_cell_gives_its_fraction():
    cells = np.arange(2**24, dtype=np.uint32)
    n_classes = np.arange(2, 100_000, dtype=np.float32)

    def function(words, n_classes):
        fractions = DISTRIBUTIONS["fraction"](words)
        # A fraction chooses one of some classes: rounding must never choose one more.
        return fractions, ops.floor(fractions[-1] * n_classes)

    fractions, highest = compiled(function, cells << np.uint32(8), n_classes)
    np.testing.assert_array_equal(fractions, cells / 2**24)
    np.testing.assert_array_equal(highest, n_classes - 1)


_draws = {}


def side_by_side(sites, distribution="gaussian"):
    """Give a function that draws for sites and joins what they get."""
    return lambda *a: ops.concatenate(draw(*a, sites, distribution), axis=-1)


def compiled_draw(sites, *arguments):
    """Draw by a program for these sites and shapes, which is compiled once."""
    asked = (sites, arguments[1].shape)
    if asked not in _draws:
        _draws[asked] = backend().Compiled(side_by_side(sites), arguments)
    return _draws[asked](arguments)


def noise(n_rows, sites, key=1, step=0, first_row=0):
    keys = np.array([[key, 0]], np.uint32)
    row = np.arange(first_row, first_row + n_rows, dtype=np.uint32)
    rows = np.stack([row, np.zeros_like(row)], axis=1)[None]
    return compiled_draw(sites, keys, rows, np.uint32(step))[0][0]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_agrees_with_the_oracle(rng, distribution):
    keys = rng.integers(2**64, size=2, dtype=np.uint64)
    rows = rng.integers(2**64, size=(2, 5), dtype=np.uint64)
    shift = np.array([0, 32], dtype=np.uint64)
    (ours,) = compiled(
        side_by_side(((0, 3), (2, 10)), distribution),
        (keys[:, None] >> shift).astype(np.uint32),
        (rows[..., None] >> shift).astype(np.uint32),
        np.uint32(123456),
    )
    for m in range(2):
        places = [(keys[m], rows[m], 123456, site, width) for site, width in ((0, 3), (2, 10))]
        if distribution == "fraction":
            parts = [oracle.fractions(*place) for place in places]
        else:
            parts = [oracle.noise(distribution, *place) for place in places]
        np.testing.assert_allclose(ours[m], np.hstack(parts), rtol=2e-6, atol=2e-7)


def test_ten_million_draws_are_standard_normal():
    z = noise(10_000, ((1, 1_000),)).ravel().astype(float)
    n = z.size
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 5 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert stats.kstest(z, "norm").pvalue > 1e-4
    for bound in (2, 3, 4, 4.75):
        for tail in (z > bound, z < -bound):
            p = stats.binomtest(int(tail.sum()), n, stats.norm.sf(bound)).pvalue
            assert p > 1e-4, (bound, tail.sum())


def correlation(a, b):
    """Pearson's coefficient in units of its standard error."""
    return np.corrcoef(a.ravel(), b.ravel())[0, 1] * np.sqrt(a.size)


def test_no_correlation_across_anything():
    n_rows, width = 2_000, 128
    z = noise(n_rows, ((1, width), (2, width)), key=1, step=0)
    first, second = z[:, :width], z[:, width:]
    others = {
        "site": second,
        "step": noise(n_rows, ((1, width),), step=1),
        "key": noise(n_rows, ((1, width),), key=2),
        "row": noise(n_rows, ((1, width),), first_row=1),
        "unit": np.roll(first, 1, axis=1),
        "block of units": np.roll(first, 4, axis=1),
    }
    for name, other in others.items():
        assert abs(correlation(first, other)) < 4.5, name
        # The squares would show a dependence that signs hide.
        assert abs(correlation(first**2, other**2)) < 4.5, name
    rows = first - first.mean(axis=0)
    between_units = np.corrcoef(rows.T)[np.triu_indices(width, 1)] * np.sqrt(n_rows)
    assert stats.kstest(between_units, "norm").pvalue > 1e-4


def test_no_two_coordinates_share_a_draw():
    # The trap of combining hashes: the same pairs of entries equal at every step.
    draws = np.stack([noise(64, ((1, 64), (2, 64)), step=s) for s in range(16)])
    # Of 2**17 draws from 2**23 cells some 1,000 pairs agree by chance.
    distinct = len(np.unique(draws))
    expected = 2**23 * -np.expm1(-draws.size / 2**23)
    assert abs(distinct - expected) < 6 * np.sqrt(draws.size**2 / 2**24)


def test_width_and_padding_change_nothing():
    np.testing.assert_array_equal(noise(8, ((1, 9),)), noise(16, ((1, 32),))[:8, :9])
