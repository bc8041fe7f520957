"""Intervals by CV+: from what networks were wrong by on the rows that they had not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def interval(
    predictions: np.ndarray, errors: Sequence[tuple[np.ndarray, np.ndarray]], coverage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give the bounds of intervals.

    Parameters
    ----------
    predictions : ndarray of shape (n_folds, n_rows, n_outputs)
        Of each fold's network for new rows.
    errors : sequence of tuple of ndarray
        For each fold the absolute errors on the rows held out, of shape (n_held_out, n_outputs),
        and how many rows each stands for, of shape (n_held_out,).
    coverage : float
        Above 0, below 1.

    Returns
    -------
    lower, upper : ndarray of shape (n_rows, n_outputs)

    References
    ----------
    Barber, Candès, Ramdas and Tibshirani (2021), "Predictive inference with the jackknife+",
    Annals of Statistics 49(1), 486-507.
    """
    weight = np.concatenate([of_fold for _, of_fold in errors])
    upper = np.empty(predictions.shape[1:])
    lower = np.empty(predictions.shape[1:])
    for k in range(predictions.shape[2]):
        # Row by row there are as many numbers as training rows: some rows at a time.
        for start in range(0, predictions.shape[1], _ROWS):
            rows = slice(start, start + _ROWS)
            parts = [
                (p[rows, k, None], error[:, k])
                for p, (error, _) in zip(predictions, errors, strict=True)
            ]
            above = np.concatenate([p + error for p, error in parts], axis=1)
            below = np.concatenate([error - p for p, error in parts], axis=1)
            upper[rows, k] = _quantile(above, weight, coverage)
            lower[rows, k] = -_quantile(below, weight, coverage)
    return lower, upper


_ROWS = 1024


def _quantile(values: np.ndarray, weight: np.ndarray, coverage: float) -> np.ndarray:
    """Give the least value that so much of the weight, and of one row to come, is at or below."""
    order = np.argsort(values, axis=1)
    cumulated = np.cumsum(weight[order], axis=1)
    enough = cumulated >= coverage * (weight.sum() + 1) * (1 - 1e-12)
    first = np.argmax(enough, axis=1)[:, None]
    found = np.take_along_axis(values, np.take_along_axis(order, first, axis=1), axis=1)[:, 0]
    return np.where(enough[:, -1], found, np.inf)
