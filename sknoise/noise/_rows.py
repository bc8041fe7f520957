"""Keys of training rows: a 64-bit hash of what a row contains, in NumPy."""

from __future__ import annotations

import numpy as np

# Rows are hashed in blocks so that the 64-bit intermediates stay in cache.
_BLOCK_BYTES = 2**20


def mix(x: np.ndarray) -> np.ndarray:
    """Mix 64-bit words in place by the SplitMix64 finaliser, a bijection.

    References
    ----------
    Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators",
    with the constants of Stafford's variant 13.
    """
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def row_keys(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Hash each row and its label to 64 bits.

    Equal pairs get equal keys wherever they stand, so noise that is keyed by row does
    not depend on the order of the rows, on padding, or on whether a row is given twice
    or once with weight 2.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
        The rows; -0.0 counts as 0.0.
    y : ndarray of shape (n_rows,), of integers
        Label of each row, as the index of its class.

    Returns
    -------
    ndarray of shape (n_rows,), dtype uint64
    """
    n_rows, n_features = X.shape
    # Each (column, value) pair is one distinct 64-bit word; words are mixed, then summed.
    columns = np.arange(n_features, dtype=np.uint64) << np.uint64(32)
    keys = np.empty(n_rows, dtype=np.uint64)
    block = max(1, _BLOCK_BYTES // (8 * max(n_features, 1)))
    for start in range(0, n_rows, block):
        rows = np.ascontiguousarray(X[start : start + block]) + np.float32(0)
        words = rows.view(np.uint32) | columns
        keys[start : start + block] = mix(words).sum(axis=1, dtype=np.uint64)
    # The label is mixed in after the sum, so that it cannot trade places with a column.
    keys ^= mix(y.astype(np.uint64) + np.uint64(1))
    return mix(keys)
