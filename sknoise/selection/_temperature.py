"""The temperature: how much surer, or less sure, probabilities should be than they are."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax

# The temperature's logarithm is taken for a normal number of this standard deviation, before any
# data is seen: where all rows are predicted right, it does not go to 0.
_PRIOR = 1.0


def fitted_temperature(log_p: np.ndarray, which: np.ndarray, weight: np.ndarray) -> float:
    """Find the temperature that suits held-out rows best.

    Parameters
    ----------
    log_p : ndarray of shape (n_rows, n_classes)
        Logarithms of their predicted probabilities.
    which : ndarray of shape (n_rows,), of integers
        The index of each one's class.
    weight : ndarray of shape (n_rows,)
        How many rows each stands for.

    Returns
    -------
    float
        What the logarithms are to be divided by.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", ICML.
    """
    true = np.take_along_axis(log_p, which[:, None], axis=1)[:, 0]

    def slope(log_t: float) -> float:
        # Of the loss by the logarithm of the temperature.
        sharpness = np.exp(-log_t)
        p = np.exp(log_softmax(log_p * sharpness, axis=1))
        mean = np.sum(np.where(p > 0, p * log_p, 0), axis=1)
        return float(sharpness * (weight * (true - mean)).sum() + log_t / _PRIOR**2)

    bound = 8 * _PRIOR
    return float(np.exp(brentq(slope, -bound, bound))) if slope(-bound) * slope(bound) < 0 else 1.0


def scaled_log_p(log_p: np.ndarray, temperature: float) -> np.ndarray:
    """Divide logarithms of probabilities by a temperature; they are normalised again."""
    return log_p if temperature == 1 else log_softmax(log_p / temperature, axis=-1)
