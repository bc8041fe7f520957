"""Read validation data, and look at the scales of training data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, validate_data

from sknoise.tasks._errors import check_collected, named_overflow
from sknoise.tasks._weights import check_weights
from sknoise.training._rows import normalised
from sknoise.training._types import Rows

# Root mean square above which, and standard deviation below which, a feature is warned of. By
# benchmarks/defaults/scales.py, where all features are at 100 or at 0.01, the test log-loss is up
# to 29 times that of standardised ones. Twice 100, as scikit-learn's checks fit features of mean
# 100.
_LARGE, _SMALL = 200.0, 0.01
# What spreads over more standard deviations is one value nearly everywhere: as one of two values
# would be that comes once in 400 rows. It is small, then, because it is rare.
_RARE = 20
# The scales are those of so many values: looking takes a fraction of a millisecond on tall data.
_N_LOOKED_AT = 10**5
_N_NAMED = 3
# Targets to validate on whose mean is so many standard deviations off, or which spread by so many
# times more or less, are warned of; of fewer than _SOME it is chance that they spread little.
_OTHER, _SOME = 5, 10


def validation_rows(
    estimator: Any, X: Any, y: Any, weight: Any, read_targets: Callable[[Any], np.ndarray]
) -> Rows | None:
    """Read validation data.

    Parameters
    ----------
    estimator : estimator
        It has seen the training data, and so knows the number and names of features.
    X : array-like of shape (n_rows, n_features) or None
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
    weight : array-like of shape (n_rows,) or None
    read_targets : callable
        Turns ``y`` into the indices of classes, or into targets.

    Returns
    -------
    Rows or None
        None where there is no validation data.

    Raises
    ------
    ValueError
        If a part is missing, of the wrong shape, or holds what the training data cannot.
    TypeError
        If one is sparse, or a lazy data frame.
    """
    if X is None and y is None:
        if weight is not None:
            raise ValueError("sample_weight_val is given without X_val and y_val.")
        return None
    if X is None or y is None:
        missing, given = ("X_val", "y_val") if X is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given without {missing}; validation needs both.")
    check_collected(X_val=X, y_val=y)
    with named_overflow("X_val"):
        rows = check_array(X, dtype=np.float32, input_name="X_val")
    if rows.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X_val has {rows.shape[1]} features, but X has {estimator.n_features_in_}."
        )
    validate_data(estimator, X, reset=False, skip_check_array=True)
    if _num_samples(y) != len(rows):
        raise ValueError(f"y_val has {_num_samples(y)} rows, but X_val has {len(rows)}.")
    weight = check_weights("sample_weight_val", weight, len(rows))
    return Rows(rows, read_targets(y), normalised(weight))


def part_of(rows: Rows, which: np.ndarray) -> Rows:
    """Choose some rows to validate on; their weights have mean 1 again.

    Parameters
    ----------
    rows : Rows
    which : ndarray of shape (n_chosen,), of integers

    Returns
    -------
    Rows
    """
    weight = normalised(rows.weight[which].astype(np.float64))
    return Rows(rows.X[which], rows.y[which], weight)


def warn_of_scales(X: np.ndarray, names: np.ndarray | None) -> None:
    """Warn of features whose scale is so far from 1 that training suffers.

    A constant of ordinary size is none of them, nor is what is one value nearly everywhere.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
        The training data.
    names : ndarray of shape (n_features,) or None
        Names of the features.

    Warns
    -----
    ConvergenceWarning
        Naming some of the features.
    """
    n_rows = max(100, _N_LOOKED_AT // X.shape[1])
    looked_at = X[:: max(1, len(X) // n_rows)]
    mean = looked_at.mean(axis=0, dtype=np.float64)
    deviation = looked_at.std(axis=0, dtype=np.float64)
    far = np.hypot(mean, deviation) > _LARGE
    small = np.flatnonzero(~far & (deviation < _SMALL))
    spread = np.ptp(X[:, small], axis=0)
    far[small] = (spread > 0) & (spread < _RARE * deviation[small])
    which = np.flatnonzero(far)
    if not len(which):
        return

    def rounded(x: float) -> str:
        # One digit, so that the parts of a cross-validation mostly give the same text.
        return f"{float(f'{x:.1g}'):g}"

    named = [
        f"{i if names is None else repr(str(names[i]))} "
        f"(mean {rounded(mean[i])}, standard deviation {rounded(deviation[i])})"
        for i in which[:_N_NAMED]
    ]
    more = f" and {len(which) - _N_NAMED} more" if len(which) > _N_NAMED else ""
    warnings.warn(
        "Training suffers from features so far from mean 0 and standard deviation 1: "
        f"{', '.join(named)}{more}. Scale them, as make_pipeline(StandardScaler(), ...) does.",
        ConvergenceWarning,
        stacklevel=5,
    )


def warn_of_other_units(y: np.ndarray, y_val: np.ndarray) -> None:
    """Warn of targets to validate on that seem to be in other units than those to train on.

    Parameters
    ----------
    y, y_val : ndarray of shape (n_rows, n_outputs), dtype float64

    Warns
    -----
    UserWarning
        With the scales of both.
    """
    # Larger than their squares may be.
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = y.mean(axis=0), y.std(axis=0)
        mean_val, spread_val = y_val.mean(axis=0), y_val.std(axis=0)
        far = (abs(mean_val - mean) > _OTHER * spread) | (spread_val > _OTHER * spread)
        far |= (spread_val * _OTHER < spread) & (len(y_val) >= _SOME)
    which = np.flatnonzero(far & (spread > 0))
    if len(which):
        i = which[0]
        output = f" of output {i}" if y.shape[1] > 1 else ""
        warnings.warn(
            f"The mean{output} is {mean_val[i]:.3g} in y_val and {mean[i]:.3g} in y, the standard "
            f"deviation {spread_val[i]:.3g} and {spread[i]:.3g}: y_val seems to be in other "
            "units. TransformedTargetRegressor transforms y and not y_val: give it transformed, "
            "or let early_stopping hold rows out of y.",
            UserWarning,
            stacklevel=8,
        )
