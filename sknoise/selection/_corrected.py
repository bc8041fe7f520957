"""Intervals of means over folds, which share rows to train on and so are not independent."""

from __future__ import annotations

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def corrected_errors(values: np.ndarray, test_ratio: float) -> np.ndarray:
    """Compute standard errors of means over folds.

    Parameters
    ----------
    values : ndarray of shape (..., n_folds)
    test_ratio : float
        Rows held out over rows trained on.

    Returns
    -------
    ndarray of shape (...)

    References
    ----------
    Nadeau and Bengio (2003), "Inference for the generalization error", Machine Learning 52.
    """
    n = values.shape[-1]
    return values.std(axis=-1, ddof=1) * np.sqrt(1 / n + test_ratio)


def corrected_intervals(
    values: np.ndarray, test_ratio: float, n_comparisons: int = 1
) -> np.ndarray:
    """Compute intervals for means over folds.

    Parameters
    ----------
    values : ndarray of shape (..., n_folds)
    test_ratio : float
        Rows held out over rows trained on.
    n_comparisons : int, default=1
        So many of them hold at once.

    Returns
    -------
    ndarray of shape (..., 2)
    """
    outside = (1 - CONFIDENCE) / n_comparisons
    quantile = stats.t.ppf(1 - outside / 2, values.shape[-1] - 1)
    means, margins = values.mean(axis=-1), quantile * corrected_errors(values, test_ratio)
    return np.stack([means - margins, means + margins], axis=-1)
