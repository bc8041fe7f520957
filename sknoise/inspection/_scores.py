"""The metrics of ``noise_curve``, computed from a fitted model and test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

CLASSIFIER_METRICS = ("log_loss", "accuracy", "calibration_error")
REGRESSOR_METRICS = ("root_mean_squared_error", "r2")
# So many test rows are needed, where it is more than one.
FEWEST_ROWS = {"r2": 2}
_N_BINS = 15  # As in Guo et al.


def score(model: Any, X: Any, y: np.ndarray) -> dict[str, float]:
    """Compute all metrics.

    Parameters
    ----------
    model : classifier or regressor
        Fitted.
    X : array-like of shape (n_rows, n_features)
        Test rows.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)

    Returns
    -------
    dict of str to float
        Without one that needs more rows.
    """
    return (
        _score_classifier(model, X, y) if is_classifier(model) else _score_regressor(model, X, y)
    )


def _score_classifier(model: Any, X: Any, y: np.ndarray) -> dict[str, float]:
    probabilities = model.predict_proba(X)
    if hasattr(model, "predict_log_proba"):
        columns = np.searchsorted(model.classes_, y)
        loss = -model.predict_log_proba(X)[np.arange(len(y)), columns].mean()
    else:
        loss = log_loss(y, probabilities, labels=model.classes_)
    correct = model.classes_[probabilities.argmax(axis=1)] == y
    error = calibration_error(probabilities.max(axis=1), correct)
    accuracy = accuracy_score(y, model.predict(X))
    return dict(zip(CLASSIFIER_METRICS, (loss, accuracy, error), strict=True))


def _score_regressor(model: Any, X: Any, y: np.ndarray) -> dict[str, float]:
    predicted = model.predict(X)
    scores = {"root_mean_squared_error": root_mean_squared_error(y, predicted)}
    if len(y) >= FEWEST_ROWS["r2"]:
        scores["r2"] = r2_score(y, predicted)
    return scores


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Compute the expected calibration error of Guo et al. (2017).

    Parameters
    ----------
    confidence : ndarray of shape (n_rows,)
        Probability of the predicted class.
    correct : ndarray of shape (n_rows,), dtype bool
        Whether it is the right one.

    Returns
    -------
    float
    """
    # Bins are closed on the right.
    bins = np.ceil(confidence * _N_BINS).astype(int)
    gaps = np.bincount(bins, weights=correct - confidence)
    return float(np.abs(gaps).sum() / len(confidence))
