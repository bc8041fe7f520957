"""Divide rows into those to train and those to validate on, and the training into steps."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknoise.tasks._automatic import AUTOMATIC, automatic, is_automatic
from sknoise.tasks._length import number_of_epochs, rows_in_a_step
from sknoise.tasks._parameters import MAX_FLOAT, read_float
from sknoise.tasks._unexplained import unexplained
from sknoise.training._rows import (
    chosen_rows,
    distinct_of,
    distinct_rows,
    grouped,
    held_out,
    repetitions,
    rows_as_given,
)
from sknoise.training._types import Rows

# An epoch of so many times fewer steps than the rows would make, were equal ones given apart, is
# warned of. Of early stopping it is as many epochs as scikit-learn's and ours wait by default.
_FEW_STEPS = 4
_USUAL_PATIENCE = 10


class Division(NamedTuple):
    """What training takes in which steps.

    Parameters
    ----------
    data : Rows
        The rows to train on.
    validation : Rows or None
    batch_size : int
        Number of distinct rows in a step.
    epochs : int
    penalty : float
        Half of this times the sum of the squares of all kernels is added to the loss.
    unexplained : float or None
        What parameters that are "auto" go by; None where there is none.
    """

    data: Rows
    validation: Rows | None
    batch_size: int
    epochs: int
    penalty: float
    unexplained: float | None


def divided(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    sample_weight: np.ndarray,
    validation: Rows | None,
    key: int,
    epochs: int | str,
    going_on: bool,
) -> Division:
    """Read the parameters that say what to train on, in which steps.

    Parameters
    ----------
    estimator : BaseNoisyMLP
    X, y, weight : ndarray
        As for ``grouped``.
    sample_weight : ndarray of shape (n_rows,), dtype float64
        Weights without those of the classes.
    validation : Rows or None
    key : int
        64-bit number that decides, with their content, which rows are held out.
    epochs : int or "auto"
    going_on : bool
        Whether training goes on from where the last call ended.

    Returns
    -------
    Division

    Raises
    ------
    ValueError
        If there are too few rows to hold some out, or ``alpha`` is too large.

    Warns
    -----
    ConvergenceWarning
        If ``epochs`` are given, or early stopping waits for some, and mostly equal rows make
        far fewer steps than they seem to.
    """
    rows = grouped(X, y, weight)
    data, times = distinct_rows(rows), repetitions(rows, sample_weight)
    held = np.zeros(len(data), dtype=np.float32)
    if estimator.early_stopping and validation is None and estimator.monitor.startswith("val_"):
        held = held_out(data, times, estimator.validation_fraction, key)
        if not held.any():
            raise ValueError(
                "early_stopping=True needs rows to validate on, but validation_fraction="
                f"{estimator.validation_fraction} can take none of n_samples={len(data)} distinct "
                "rows. Give X_val and y_val, or monitor='loss'."
            )
    train = _left_to_train(data, held)
    times = (times * (1 - held))[held < 1]
    left = _unexplained(estimator, train, times, going_on)
    # As if equal rows were given apart: the more there are, the longer and the larger the steps.
    n_rows = round(times.sum())
    batch_size = rows_in_a_step(estimator.batch_size, n_rows, estimator._usual_steps)
    mean_weight = weight.sum() / len(data) * (data.weight * (1 - held)).sum() / n_rows
    if is_automatic(estimator.alpha):
        # Weights that sum to 1, as AdaBoost's do, must not make it a thousand times as strong.
        mean_weight = 1.0
    if not estimator.shuffle and len(train) > batch_size:
        data = rows_as_given(rows)
        held = held[distinct_of(rows)]
        train = _left_to_train(data, held)
    if held.any():
        validation = replace(chosen_rows(data, held), keys=None)
    alpha = read_float("alpha", automatic("alpha", estimator.alpha, left))
    with np.errstate(over="ignore"):
        penalty = float(alpha / (min(batch_size, n_rows) * mean_weight))
    if penalty > MAX_FLOAT:
        raise ValueError(
            f"alpha={estimator.alpha!r} is too large beside the sample weights, {mean_weight:.3g} "
            "in the mean. Use a smaller alpha or larger weights."
        )
    n_steps = math.ceil(len(train) / batch_size)
    n_epochs = number_of_epochs(epochs, n_rows, n_steps, estimator._usual_steps)
    _warn_of_few_steps(estimator, epochs, n_rows, len(train), n_steps, batch_size)
    return Division(train, validation, batch_size, n_epochs, penalty, left)


def _left_to_train(data: Rows, held: np.ndarray) -> Rows:
    """Give what is not held out: the rows themselves, not a copy, where nothing is."""
    return chosen_rows(data, 1 - held) if held.any() else data


def _warn_of_few_steps(
    estimator: Any, epochs: int | str, n_rows: int, n_distinct: int, n_steps: int, batch_size: int
) -> None:
    """Warn where users count in epochs, and equal rows make these far shorter than they seem."""
    would_be = math.ceil(n_rows / batch_size)
    # One epoch is what partial_fit asks for, and a warm start goes on.
    if epochs == 1 or estimator.warm_start or would_be < _FEW_STEPS * n_steps:
        return
    cures = []
    if epochs != "auto":
        cures.append(f"epochs='auto', or more than epochs={epochs}")
    enough = math.ceil(_USUAL_PATIENCE * would_be / n_steps)
    if estimator.early_stopping and _FEW_STEPS * estimator.patience <= enough:
        cures.append(f"patience={enough} instead of {estimator.patience}")
    if cures:
        warnings.warn(
            f"The {n_rows} rows are {n_distinct} different ones, which train together: an epoch "
            f"is {n_steps} step(s), where {would_be} could be expected. Use "
            f"{'; and '.join(cures)}.",
            ConvergenceWarning,
            stacklevel=10,
        )


def _unexplained(estimator: Any, train: Rows, times: np.ndarray, going_on: bool) -> float | None:
    """Give what parameters that are "auto" go by: of the first data, where training goes on."""
    if going_on and estimator.unexplained_ is not None:
        return float(estimator.unexplained_)
    if not any(is_automatic(getattr(estimator, name)) for name in AUTOMATIC):
        return None
    return unexplained(train, times)
