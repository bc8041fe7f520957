"""Training rows in a form that does not depend on the order or the repetition of rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sknoise.noise._rows import mix, row_keys
from sknoise.training._types import Rows

# Keys take standardised targets as multiples of a 64th. Those of y and of a + b y differ by what a
# double rounds off: their last bits must not decide on draws and minibatches.
_GRAIN = np.float32(1 / 64)

# A row that was given more often than this counts as given this often, where there are many rows:
# what is held out is drawn copy by copy.
_MOST_COPIES = 10
_MANY_ROWS = 100_000
# Larger floats are whole whatever they mean, so that they say nothing of repetitions.
_MOST_TIMES = 2.0**53


def normalised(weight: np.ndarray) -> np.ndarray:
    """Scale weights to mean 1, so that Keras's mean over a batch is the weighted mean."""
    # Divided by the largest first: the sum of huge weights would overflow.
    weight = weight / weight.max()
    return (weight / weight.mean()).astype(np.float32)


class Grouping(NamedTuple):
    """Rows and which of them are equal, found once for all that is asked of them.

    Parameters
    ----------
    X, y, weight : ndarray
        As in ``grouped``, without the rows of weight 0.
    keys : ndarray of shape (n_kept,), dtype uint64
    kept : ndarray of shape (n_rows,), dtype bool
        Which of all rows these are.
    order : ndarray of shape (n_kept,), of integers
        Sorts them by key, and brings equal ones together.
    starts : ndarray of shape (n_distinct,), of integers
        Where in that order each group of equal rows begins.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    keys: np.ndarray
    kept: np.ndarray
    order: np.ndarray
    starts: np.ndarray


def grouped(X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Grouping:
    """Find out which rows are equal.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), of integers, or (n_rows, n_outputs), dtype float32
        Label of each row, as the index of its class; or its targets.
    weight : ndarray of shape (n_rows,), dtype float64
        Non-negative weights, not all 0. Rows of weight 0, beside the largest, are left out.

    Returns
    -------
    Grouping
    """
    # In single precision.
    kept = weight > weight.max() * np.finfo(np.float32).tiny
    if not kept.all():
        X, y, weight = X[kept], y[kept], weight[kept]
    if y.ndim == 1:
        y = y.astype(np.int32)
    keys = _keys(X, y)
    return Grouping(X, y, weight, keys, kept, *_groups(X, y, weight, keys))


def distinct_rows(rows: Grouping) -> Rows:
    """Put training data into canonical form.

    That has each distinct (row, label) pair once, with its summed weight, in the order of
    the keys. Weighted and repeated data then are the same arrays, bit for bit, and the order in
    which rows were given is forgotten.
    """
    first = rows.order[rows.starts]
    total = np.add.reduceat(rows.weight[rows.order], rows.starts)
    return Rows(rows.X[first], rows.y[first], normalised(total), rows.keys[first])


def rows_as_given(rows: Grouping) -> Rows:
    """Leave rows in their order.

    For minibatches without shuffling, the one case in which the order means something.
    """
    return Rows(rows.X, rows.y, normalised(rows.weight), rows.keys)


def distinct_of(rows: Grouping) -> np.ndarray:
    """Tell for each of ``rows_as_given`` which of ``distinct_rows`` it is, by its index."""
    which = np.empty(len(rows.order), dtype=np.int64)
    sizes = np.diff(rows.starts, append=len(rows.order))
    which[rows.order] = np.repeat(np.arange(len(rows.starts)), sizes)
    return which


def repetitions(rows: Grouping, sample_weight: np.ndarray) -> np.ndarray:
    """Count how often each distinct row was given; a row of weight 2 was given twice.

    Weights that are no repetitions (of one class beside another, by the precision of a
    measurement, for a sum of 1) are seldom all whole numbers. Where they are not, each
    distinct row counts as given once.

    Parameters
    ----------
    rows : Grouping
    sample_weight : ndarray of shape (n_rows,), dtype float64
        Weights of all rows, without those of the classes, which repeat nothing.

    Returns
    -------
    ndarray of shape (n_distinct,), dtype float64
        In the order of ``distinct_rows``.
    """
    times = np.add.reduceat(sample_weight[rows.kept][rows.order], rows.starts)
    if (times % 1).any() or times.max() > _MOST_TIMES:
        return np.ones(len(times))
    return np.minimum(times, max(_MOST_COPIES, _MANY_ROWS // len(times)))


def held_out(data: Rows, times: np.ndarray, fraction: float, key: int) -> np.ndarray:
    """Choose what to validate on, the same fraction of each class.

    It is drawn as from the rows before equal ones were merged, for what repeats will come
    again: a table of a few cells needs all of them for training. Only of a row that was given
    so often that its part rounds to one or more, though. A few copies stay together, or networks
    would validate on what they train on wherever rows were drawn with replacement.

    Parameters
    ----------
    data : Rows
        Distinct rows.
    times : ndarray of shape (n_rows,), dtype float64
        How often each was given.
    fraction : float
        Between 0 and 1.
    key : int
        64-bit number that the choice is a function of, with the content of the rows.

    Returns
    -------
    ndarray of shape (n_rows,), dtype float32
        Share of each row's weight that is held out, 0 to 1. Something of each class is left for
        training.
    """
    assert data.keys is not None
    copies = np.where(fraction * times >= 0.5, times, 1).astype(np.int64)
    row = np.repeat(np.arange(len(data)), copies)
    number = np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)
    counter = (data.keys ^ np.uint64(key))[row] + number.astype(np.uint64)
    rank = np.argsort(mix(counter), kind="stable")
    classes = data.y[row] if data.y.ndim == 1 else np.zeros(len(row), dtype=np.int32)
    held = np.zeros(len(row), dtype=bool)
    for label in np.unique(classes):
        members = rank[classes[rank] == label]
        held[members[: min(math.ceil(fraction * len(members)), len(members) - 1)]] = True
    return (np.bincount(row, weights=held) / copies).astype(np.float32)


def chosen_rows(data: Rows, share: np.ndarray) -> Rows:
    """Choose a share of each row's weight; the weights have mean 1 again.

    Parameters
    ----------
    data : Rows
        With keys.
    share : ndarray of shape (n_rows,), dtype float32
        From 0, which leaves the row out, to 1.

    Returns
    -------
    Rows
    """
    assert data.keys is not None
    some = share > 0
    weight = normalised(data.weight[some].astype(np.float64) * share[some])
    return Rows(data.X[some], data.y[some], weight, data.keys[some])


def _keys(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    if y.ndim == 1:
        return row_keys(X, y)
    # Targets are hashed as further columns.
    with np.errstate(over="ignore"):
        coarse = np.rint(y / _GRAIN) * _GRAIN
    return row_keys(np.concatenate([X, coarse], axis=1), np.zeros(len(y), dtype=np.int32))


def _groups(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows by key and find where each group of equal rows starts.

    Rows of one key are sorted by label or targets, and equal rows by weight, so that the sum of
    their weights does not depend on the order in which they came. Rows whose keys collide stay
    apart.
    """
    order = np.lexsort((weight, *np.atleast_2d(y.T), keys))
    same = keys[order[1:]] == keys[order[:-1]]
    same[same] = _equal_rows(X, y, order[1:][same], order[:-1][same])
    return order, np.flatnonzero(np.concatenate([[True], ~same]))


def _equal_rows(X: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    same = y[a] == y[b]
    return (same if y.ndim == 1 else same.all(axis=1)) & (X[a] == X[b]).all(axis=1)
