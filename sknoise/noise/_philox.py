"""The generator: random draws by the counter-based Philox, in Keras's ops.

A draw is a pure function of (network key, site, step, row key, unit). These fill the
64-bit key and the 128-bit counter of Philox-4x32 one to one, so no two draws share a
counter, and neither padding nor stacking nor the order of rows can change a draw.

References
----------
Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)

# The fewest rounds for which the paper reports that Philox-4x32 passes BigCrush.
N_ROUNDS = 7

# The last counter word holds the site above these bits and the block of four units below.
_SITE_SHIFT = 20


# Giles's polynomials, the highest power first.
_CENTRE = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
_TAIL = (
    -0.000200214257,
    0.000100950558,
    0.00134934322,
    -0.00367342844,
    0.00573950773,
    -0.0076224613,
    0.00943887047,
    1.00167406,
    2.83297682,
)


def philox_4x32(
    counter: Sequence[Any],
    key: Sequence[Any],
    n_rounds: int = N_ROUNDS,
    cast: Callable[[Any, str], Any] = ops.cast,
) -> tuple[Any, Any, Any, Any]:
    """Encrypt four counter words by two key words.

    Parameters
    ----------
    counter : sequence of 4 tensors, dtype uint32
        The words of the counter, of shapes that broadcast.
    key : sequence of 2 tensors, dtype uint32
        The words of the key, of shapes that broadcast with the counter.
    n_rounds : int, default=7
        Number of rounds.
    cast : callable, default=keras.ops.cast
        Turns words into those of another dtype; ``numpy.asarray`` where they are NumPy's.

    Returns
    -------
    tuple of 4 tensors, dtype uint32
        Random words, of the broadcast shape.
    """

    def product(a: Any, multiplier: int) -> tuple[Any, Any]:
        """Give the high and the low 32 bits."""
        product = cast(a, "uint64") * np.uint64(multiplier)
        return cast(product // np.uint64(2**32), "uint32"), cast(product, "uint32")

    def round_keys(k: Any, weyl: int) -> Any:
        """Give the key of each round, in one tensor: XLA would compile each sum by itself."""
        steps = np.arange(n_rounds, dtype=np.uint32) * np.uint32(weyl)
        return k[None] + steps.reshape(-1, *[1] * len(k.shape))

    c0, c1, c2, c3 = counter
    keys0, keys1 = map(round_keys, key, _WEYL)
    for i in range(n_rounds):
        high0, low0 = product(c0, _MULTIPLIERS[0])
        high1, low1 = product(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ keys0[i], low1, high0 ^ c3 ^ keys1[i], low0
    return c0, c1, c2, c3


def _midpoint(bits: Any) -> Any:
    """Turn random words into numbers in (-1, 1).

    The upper 23 bits k choose the midpoint x = (2k + 1) / 2**23 - 1 of one of 2**23 equal
    cells. Those midpoints are exact in float32 and never reach -1 or 1, where quantiles are
    infinite; with 24 bits they would round to them.
    """
    cell = ops.cast(bits // np.uint32(2**9), "int32")
    return ops.cast(2 * cell + (1 - 2**23), "float32") * 2.0**-23


def to_normal(bits: Any) -> Any:
    """Turn random 32-bit words into standard normal draws by the quantile function.

    Parameters
    ----------
    bits : tensor, dtype uint32
        Random words.

    Returns
    -------
    tensor, dtype float32
        sqrt(2) * erfinv(x) for x in (-1, 1), which lies within 5.3 of 0.

    References
    ----------
    Giles (2012), "Approximating the erfinv function", whose single precision polynomials
    these are. TensorFlow's ``erfinv`` uses them too, but by a logarithm that XLA does not
    vectorise together with the generator: the draws take twice as long.
    """
    x = _midpoint(bits)
    # 1 - x and 1 + x are exact, so the product keeps its precision near 0.
    w = -ops.log((1 - x) * (1 + x))
    centre = _polynomial(_CENTRE, w - 2.5)
    tail = _polynomial(_TAIL, ops.sqrt(w) - 3)
    return ops.where(w < 5, centre, tail) * x * 2.0**0.5


def _to_laplace(bits: Any) -> Any:
    """Turn random words into draws from Laplace's distribution, of variance 1."""
    x = _midpoint(bits)
    # 1 - |x| is exact, and at least 2**-23.
    return -ops.sign(x) * ops.log(1 - ops.abs(x)) * 2.0**-0.5


def _to_uniform(bits: Any) -> Any:
    """Turn random words into draws from the symmetric uniform distribution, of variance 1."""
    return _midpoint(bits) * 3.0**0.5


def _to_fraction(bits: Any) -> Any:
    """Turn random words into multiples of 2**-24 from 0 to below 1, all equally likely."""
    cell = ops.cast(bits // np.uint32(2**8), "int32")
    return ops.cast(cell, "float32") * 2.0**-24


# All but the last have mean 0 and variance 1.
DISTRIBUTIONS = {
    "gaussian": to_normal,
    "uniform": _to_uniform,
    "laplace": _to_laplace,
    "fraction": _to_fraction,
}


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    value: Any = coefficients[0]
    for c in coefficients[1:]:
        value = c + value * x
    return value


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _computed(function: Callable[[], Any], shape: tuple[int, ...], dtype: str) -> Any:
    return function()


def draw(
    keys: Any,
    rows: Any,
    step: Any,
    sites: Sequence[tuple[int, int]],
    distribution: str = "gaussian",
    once: Callable[[Callable[..., Any]], Callable[..., Any]] = _itself,
    apart: Callable[[Callable[[], Any], tuple[int, ...], str], Any] = _computed,
) -> list[Any]:
    """Draw the noise of one training step, at some of its sites, for a stack of networks.

    Parameters
    ----------
    keys : tensor of shape (n_networks, 2), dtype uint32
        Key of each network.
    rows : tensor of shape (n_networks, n_rows, 2), dtype uint32
        Keys of the rows that each network sees in this step; or of the rows of a kernel. The
        first axis may be 1.
    step : scalar tensor, dtype uint32
        Number of the training step, counted from the first step of the network's life.
    sites : sequence of (int, int)
        Number and width (units) of each place that gets noise.
    distribution : str, default="gaussian"
        A key of ``DISTRIBUTIONS``.
    once : callable, optional
        Gives for an element-wise function one that does the same and takes less time to trace.
    apart : callable, optional
        Calls a function that gives a tensor of the shape and dtype named, so that XLA computes
        it once, and not in each of its uses.

    Returns
    -------
    list of tensor of shape (n_networks, n_rows, width), dtype float32
        The draws of each site.
    """
    # A block of the generator has the words of four units. XLA computes one tensor at a time, and
    # for each of its elements all that this one takes: two words in one halve the work.
    n_pairs = [-(-width // 2) for _, width in sites]
    pair = np.concatenate([np.arange(n) for n in n_pairs])
    start = np.repeat([site << _SITE_SHIFT for site, _ in sites], n_pairs)
    counter = (
        rows[:, :, 0, None],
        rows[:, :, 1, None],
        step,
        (start + pair // 2).astype(np.uint32),
    )
    key = (keys[:, None, None, 0], keys[:, None, None, 1])
    shape = (keys.shape[0], rows.shape[1], len(pair))
    pairs = apart(lambda: once(pair_of_words)(*counter, *key, pair % 2), shape, "uint64")
    twice = ops.reshape(ops.broadcast_to(pairs[..., None], (*shape, 2)), (*shape[:2], -1))
    second = np.arange(2 * len(pair)) % 2 == 1

    def draws() -> Any:
        return once(DISTRIBUTIONS[distribution])(once(_word_of)(twice, second))

    out = apart(draws, (*shape[:2], len(second)), "float32")
    # The second unit of a site's last pair may be none.
    firsts = 2 * (np.cumsum(n_pairs) - n_pairs)
    return [out[..., i : i + width] for i, (_, width) in zip(firsts, sites, strict=True)]


def pair_of_words(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any, pair: Any) -> Any:
    """Give two of the four random words of a counter and a key, as one of 64 bits.

    Parameters
    ----------
    c0, c1, c2, c3, k0, k1 : tensor, dtype uint32
        The words of counter and key; see ``philox_4x32``.
    pair : tensor, dtype int
        0 for the first two words, 1 for the others.

    Returns
    -------
    tensor, dtype uint64
        The first of the two in the lower bits.
    """
    words = philox_4x32((c0, c1, c2, c3), (k0, k1))
    low = ops.where(pair == 0, words[0], words[2])
    high = ops.where(pair == 0, words[1], words[3])
    return ops.cast(high, "uint64") * np.uint64(2**32) + ops.cast(low, "uint64")


def _word_of(pair: Any, second: Any) -> Any:
    """Give one word of a pair."""
    high = ops.cast(pair // np.uint64(2**32), "uint32")
    return ops.where(second, high, ops.cast(pair, "uint32"))
