"""How well predictions match what came: for classes, for probabilities, for numbers."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import log_loss

N_BINS = 15


def calibration_error(probabilities: np.ndarray, y: np.ndarray, n_bins: int = N_BINS) -> float:
    """Give the expected calibration error of the class that is most probable.

    Rows are put into bins of equal width by the probability of their predicted class; in each,
    the mean of that is compared with how often the class is right.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        The predicted probabilities.
    y : ndarray of shape (n_rows,)
        The classes, from 0 on.
    n_bins : int
        Number of bins, from 0 to 1.

    Returns
    -------
    float
        The mean over rows of their bin's absolute difference.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    differences = np.bincount(bins, weights=confidence - right, minlength=n_bins)
    return float(np.abs(differences).sum() / len(y))


def of_probabilities(probabilities: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Score probabilities of classes.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        The predicted probabilities.
    y : ndarray of shape (n_rows,)
        The classes, from 0 on.

    Returns
    -------
    dict of float
        Log-loss, with probabilities of 0 raised as scikit-learn does; Brier score, summed over
        classes; error; and calibration error.
    """
    classes = np.arange(probabilities.shape[1])
    came = y[:, np.newaxis] == classes
    return {
        "log_loss": float(log_loss(y, probabilities, labels=classes)),
        "brier": float(((probabilities - came) ** 2).sum(axis=1).mean()),
        "error": float((probabilities.argmax(axis=1) != y).mean()),
        "ece": calibration_error(probabilities, y),
    }


def of_numbers(predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Score predicted numbers.

    Parameters
    ----------
    predictions : ndarray of shape (n_rows,)
        What is predicted.
    y : ndarray of shape (n_rows,)
        What came.

    Returns
    -------
    dict of float
        The root of the mean squared error in units of y's standard deviation: 1 is as good as
        the mean.
    """
    return {"rmse": float(np.sqrt(np.mean((predictions - y) ** 2)) / np.std(y))}
