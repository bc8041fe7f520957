"""Training rows in a form that does not depend on the order or the repetition of rows."""

from __future__ import annotations

import math

import numpy as np

from sknoise.noise._rows import mix, row_keys
from sknoise.training._types import Rows


def normalised(weight: np.ndarray) -> np.ndarray:
    """Scale weights to mean 1, so that Keras's mean over a batch is the weighted mean."""
    # Divided by the largest first: the sum of huge weights would overflow.
    weight = weight / weight.max()
    return (weight / weight.mean()).astype(np.float32)


def distinct_rows(X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Rows:
    """Put training data into canonical form.

    That has each distinct (row, label) pair once, with its summed weight, in the order of
    the keys; pairs of weight 0, beside the largest, are left out. Weighted and repeated data
    then are the same arrays, bit for bit, and the order in which rows were given is forgotten.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), of integers, or (n_rows, n_outputs), dtype float32
        Label of each row, as the index of its class; or its targets.
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


def held_out(data: Rows, fraction: float, key: int) -> np.ndarray:
    """Choose rows to validate on, the same fraction of each class.

    Parameters
    ----------
    data : Rows
        Distinct rows.
    fraction : float
        Between 0 and 1.
    key : int
        64-bit number that the choice is a function of, with the content of the rows.

    Returns
    -------
    ndarray of shape (n_rows,), dtype bool
        At least one row of each class is left for training.
    """
    assert data.keys is not None
    rank = np.argsort(mix(data.keys ^ np.uint64(key)), kind="stable")
    classes = data.y if data.y.ndim == 1 else np.zeros(len(data), dtype=np.int32)
    held = np.zeros(len(data), dtype=bool)
    for label in np.unique(classes):
        members = rank[classes[rank] == label]
        held[members[: min(math.ceil(fraction * len(members)), len(members) - 1)]] = True
    return held


def chosen_rows(data: Rows, mask: np.ndarray) -> Rows:
    """Choose rows by a mask; their weights have mean 1 again."""
    assert data.keys is not None
    weight = normalised(data.weight[mask].astype(np.float64))
    return Rows(data.X[mask], data.y[mask], weight, data.keys[mask])


def _keyed(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Leave rows of weight 0 out, and key the others."""
    # In single precision, beside the largest.
    kept = weight > weight.max() * np.finfo(np.float32).tiny
    X, y = X[kept], y[kept]
    if y.ndim == 1:
        y = y.astype(np.int32)
        return X, y, weight[kept], row_keys(X, y)
    # Targets are hashed as further columns.
    keys = row_keys(np.concatenate([X, y], axis=1), np.zeros(len(y), dtype=np.int32))
    return X, y, weight[kept], keys


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
    same = y[a] == y[b]
    return (same if y.ndim == 1 else same.all(axis=1)) & (X[a] == X[b]).all(axis=1)
