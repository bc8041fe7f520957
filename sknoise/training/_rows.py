"""Training rows in a form that does not depend on the order or the repetition of rows."""

from __future__ import annotations

import numpy as np

from sknoise.noise._rows import row_keys
from sknoise.training._types import Rows


def normalised(weight: np.ndarray) -> np.ndarray:
    """Scale weights to mean 1, so that Keras's mean over a batch is the weighted mean."""
    # Divided by the largest first: the sum of huge weights would overflow.
    weight = weight / weight.max()
    return (weight / weight.mean()).astype(np.float32)


def distinct_rows(X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Rows:
    """Put training data into canonical form.

    That has each distinct (row, label) pair once, with its summed weight, in the order of
    the keys; pairs of weight 0 are left out. Weighted and repeated data then are the same
    arrays, bit for bit, and the order in which rows were given is forgotten.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), of integers
        Label of each row, as the index of its class.
    weight : ndarray of shape (n_rows,), dtype float64
        Non-negative weights, not all 0.

    Returns
    -------
    Rows
    """
    X, y, weight, keys = _keyed(X, y, weight)
    order, starts = _groups(X, y, weight, keys)
    first = order[starts]
    total = np.add.reduceat(weight[order], starts)
    return Rows(X[first], y[first], normalised(total), keys[first])


def rows_as_given(X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Rows:
    """Key the rows and leave them in their order; pairs of weight 0 are left out.

    For minibatches without shuffling, the one case in which the order means something. The
    parameters are those of ``distinct_rows``.
    """
    X, y, weight, keys = _keyed(X, y, weight)
    return Rows(X, y, normalised(weight), keys)


def _keyed(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Leave rows of weight 0 out, and key the others."""
    kept = weight > 0
    X, y = X[kept], y[kept].astype(np.int32)
    return X, y, weight[kept], row_keys(X, y)


def _groups(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows by key and find where each group of equal rows starts.

    Equal rows are sorted by weight, so that the sum of their weights does not depend on the
    order in which they came. Rows whose keys collide stay apart.
    """
    order = np.lexsort((weight, keys))
    same = keys[order[1:]] == keys[order[:-1]]
    same[same] = _equal_rows(X, y, order[1:][same], order[:-1][same])
    return order, np.flatnonzero(np.concatenate([[True], ~same]))


def _equal_rows(X: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (y[a] == y[b]) & (X[a] == X[b]).all(axis=1)
