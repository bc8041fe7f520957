"""How much of the targets the features leave unexplained: what "auto" parameters go by."""

from __future__ import annotations

import hashlib

import numpy as np

from sknoise.training._types import Rows

# More rows take longer (the cube of their number) and change little.
_MOST_ROWS = 500
_PENALTIES = 10.0 ** np.arange(-3, 2.5, 0.5)
# So that processors that round differently agree.
_DIGITS = 3
# The candidates of a search ask for the same again and again. A few bytes each.
_known: dict[bytes, float] = {}
_MOST_KNOWN = 10_000


def unexplained(data: Rows, copies: np.ndarray) -> float:
    """Estimate the fraction of the targets' variance that a good model would leave unexplained.

    It is what kernel ridge regression leaves when each row is predicted from the others, in
    closed form, with the best of several penalties; for classes of their indicators. The kernel
    is Gaussian, as wide as half of the pairs of rows are apart. Near 0, the classes are clear;
    at 1, the features say nothing.

    Parameters
    ----------
    data : Rows
        Distinct rows, in the order of their keys: the first are a random choice.
    copies : ndarray of shape (n_rows,), dtype float64
        How often each was given. One copy is left out at a time.

    Returns
    -------
    float
        From 0 to 1.

    References
    ----------
    Rifkin and Lippert (2007), "Notes on regularized least squares", MIT-CSAIL-TR-2007-025.
    """
    n_rows = min(len(data), _MOST_ROWS)
    X, y, copies = data.X[:n_rows].astype(np.float64), data.y[:n_rows], copies[:n_rows]
    weight = data.weight[:n_rows].astype(np.float64)
    weight *= copies.sum() / weight.sum()
    digest = hashlib.blake2b(repr([X.shape, y.shape]).encode())
    for a in (X, y, copies, weight):
        digest.update(np.ascontiguousarray(a).data)
    key = digest.digest()
    known = _known.get(key)
    if known is None:
        known = _left(X, y, copies, weight)
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = known
    return known


def _left(X: np.ndarray, y: np.ndarray, copies: np.ndarray, weight: np.ndarray) -> float:
    if y.ndim == 1:
        y = (y[:, None] == np.unique(y)).astype(np.float64)
    y = y - np.average(y, axis=0, weights=weight)
    root = np.sqrt(weight)[:, None]
    y = y * root
    total = (y**2).sum()
    if not total > np.finfo(np.float32).eps * weight.sum():
        return 0.0
    values, vectors = np.linalg.eigh(root * _kernel(X) * root.T)
    values, inside, squares = np.maximum(values, 0), vectors.T @ y, vectors**2
    left = 1.0
    for penalty in _PENALTIES:
        shrunk = penalty / (values + penalty)
        residual = vectors @ (shrunk[:, None] * inside)
        leverage = 1 - squares @ shrunk
        residual /= 1 - (leverage / np.maximum(copies, 1))[:, None]
        left = min(left, (residual**2).sum() / total)
    return round(float(left), _DIGITS)


def squared_distances(X: np.ndarray) -> np.ndarray:
    """Give the squared distances between all pairs of rows.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float64

    Returns
    -------
    ndarray of shape (n_rows, n_rows)
    """
    squares = (X**2).sum(axis=1)
    return np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0)


def _kernel(X: np.ndarray) -> np.ndarray:
    """Give the kernel between all pairs of rows; 1 is added for a constant."""
    X = X - X.mean(axis=0)
    largest = np.abs(X).max()
    # Distances are in units of their median: features of any size will do.
    X /= largest if largest > 0 else 1
    distance = squared_distances(X)
    between = distance[np.triu_indices(len(X), 1)]
    between = between[between > 0]
    width = np.median(between) if len(between) else 1.0
    return np.exp(-distance / width) + 1
