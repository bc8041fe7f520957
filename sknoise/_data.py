"""Turn what users pass to ``fit`` into arrays to train on, or say what is wrong with it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, column_or_1d, compute_class_weight
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples, validate_data

# Root mean square above which, and standard deviation below which, a feature is warned of. By
# benchmarks/scales.py, where all features are at 100 or at 0.01, the test log-loss is up to 29
# times that of standardised ones. Twice 100, as scikit-learn's checks fit features of mean 100.
_LARGE, _SMALL = 200.0, 0.01
# What spreads over more standard deviations is one value nearly everywhere: as one of two values
# would be that comes once in 400 rows. It is small, then, because it is rare.
_RARE = 20
# The scales are those of so many values: looking takes a fraction of a millisecond on tall data.
_N_LOOKED_AT = 10**5
_N_NAMED = 3


@contextmanager
def named_overflow(names: str) -> Iterator[None]:
    """While entered, raise the ``OverflowError`` of a large Python integer as a ``ValueError``.

    Parameters
    ----------
    names : str
        The parameters that are read, for messages.
    """
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"{names} has a number that is too large for a float.") from error


@contextmanager
def named_targets(name: str, y: Any) -> Iterator[None]:
    """While entered, say of targets what NumPy and pandas refuse, which know no names.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    y : object
        Labels or numbers, as users gave them.

    Raises
    ------
    ValueError
        If one is missing.
    TypeError
        If they are of a dtype of NumPy's that scikit-learn cannot read.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if name in str(error).split() or not isinstance(y, Iterable):
            raise
        for place, value in enumerate(y):
            missing = value is None or value is np.ma.masked
            if missing or is_scalar_nan(value) or is_pandas_na(value):
                raise ValueError(
                    f"{name} has {value!r} in place {place}: leave out what has no target."
                ) from error
        if isinstance(y, np.ndarray) and y.dtype.kind in "TV":
            raise TypeError(
                f"{name} has the dtype {y.dtype}; give numbers, bools, or strings of the dtype "
                "str or object."
            ) from error
        raise


def check_weights(name: str, weight: Any, n_rows: int) -> np.ndarray:
    """Read sample weights.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    weight : array-like of shape (n_rows,), scalar or None
        None is a weight of 1 for each row.
    n_rows : int
        Number of rows.

    Returns
    -------
    ndarray of shape (n_rows,), dtype float64

    Raises
    ------
    ValueError
        If the length is wrong, or a weight is negative or not finite, or all are 0, or their
        sum is not finite.
    """
    if weight is None:
        return np.ones(n_rows)
    if np.isscalar(weight):
        weight = np.full(n_rows, weight)
    with named_overflow(name):
        weight = check_array(weight, ensure_2d=False, dtype=np.float64, input_name=name)
    if weight.shape != (n_rows,):
        raise ValueError(f"{name}.shape == {weight.shape}, expected {(n_rows,)}!")
    if weight.min() < 0:
        raise ValueError(f"Negative values in {name}: {weight.min()}; weights are 0 or larger.")
    if not weight.any():
        raise ValueError(f"All weights in {name} are zero; at least one must be positive.")
    # Without a warning of an overflow.
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not np.isfinite(total):
        raise ValueError(f"The sum of {name} is {total}; scale the weights down.")
    return weight


def check_labels(y: Any) -> np.ndarray:
    """Read class labels.

    Parameters
    ----------
    y : array-like of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If they are continuous, or have more than one column.
    """
    y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    return y


def encode(name: str, y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Replace labels by the indices of their classes.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    y : ndarray of shape (n_rows,)
        Labels.
    classes : ndarray of shape (n_classes,)
        All labels, sorted.

    Returns
    -------
    ndarray of shape (n_rows,), dtype int32

    Raises
    ------
    ValueError
        If a label is not one of the classes.
    """
    unknown = np.setdiff1d(y, classes)
    if not len(unknown):
        indices = np.searchsorted(classes, y)
        # NumPy turns numbers into strings, where it looks for them among such.
        unknown = np.unique(y[classes[np.minimum(indices, len(classes) - 1)] != y])
    if len(unknown):
        raise ValueError(f"{name} has the labels {unknown}, which are not in classes={classes}.")
    return indices.astype(np.int32)


def class_weighted(
    class_weight: Any, y: np.ndarray, weight: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Multiply sample weights by the weights of their classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Weight of each label, 1 where it is not named; "balanced" gives each class the same
        total weight, sample weights counted in.
    y : ndarray of shape (n_rows,), of integers
        Labels as indices.
    weight : ndarray of shape (n_rows,), dtype float64
        Sample weights.
    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    ndarray of shape (n_rows,), dtype float64

    Raises
    ------
    ValueError
        If a weight is no number, or no row has a positive weight left.
    """
    if class_weight is None:
        return weight
    if class_weight == "balanced":
        share = np.bincount(y, weights=weight, minlength=len(classes)) / weight.sum()
        n_classes = np.count_nonzero(share)
        # A class without weight has no rows to multiply.
        share[share == 0] = 1
        # Divided before it is multiplied: no step overflows.
        return weight / share[y] / n_classes
    if not all(isinstance(factor, Real) for factor in class_weight.values()):
        raise ValueError(f"class_weight={class_weight!r} must have a number for each label.")
    with named_overflow("class_weight"), np.errstate(over="ignore"):
        # By all classes, as a part of the data may lack one.
        weight = weight * compute_class_weight(class_weight, classes=classes, y=classes)[y]
        total = weight.sum()
    if weight.min() < 0 or not np.isfinite(total) or not weight.any():
        raise ValueError(
            f"class_weight={class_weight!r} leaves weights that are negative, all 0, or without a "
            "finite sum; give finite weights of 0 or larger."
        )
    return weight


def validation_arrays(
    estimator: Any, X: Any, y: Any, weight: Any
) -> tuple[np.ndarray, Any, np.ndarray] | None:
    """Read validation data, all but the targets.

    Parameters
    ----------
    estimator : estimator
        It has seen the training data, and so knows the number and names of features.
    X : array-like of shape (n_rows, n_features) or None
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
    weight : array-like of shape (n_rows,) or None

    Returns
    -------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : array-like
        As it was given, but that it has as many rows.
    weight : ndarray of shape (n_rows,), dtype float64
        None in place of all three where there is no validation data.

    Raises
    ------
    ValueError
        If a part is missing, of the wrong shape, or holds what the training data cannot.
    """
    if X is None and y is None:
        if weight is not None:
            raise ValueError("sample_weight_val is given without X_val and y_val.")
        return None
    if X is None or y is None:
        missing, given = ("X_val", "y_val") if X is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given without {missing}; validation needs both.")
    with named_overflow("X_val"):
        rows = check_array(X, dtype=np.float32, input_name="X_val")
    if rows.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X_val has {rows.shape[1]} features, but X has {estimator.n_features_in_}."
        )
    validate_data(estimator, X, reset=False, skip_check_array=True)
    if _num_samples(y) != len(rows):
        raise ValueError(f"y_val has {_num_samples(y)} rows, but X_val has {len(rows)}.")
    return rows, y, check_weights("sample_weight_val", weight, len(rows))


def check_targets(name: str, y: Any) -> np.ndarray:
    """Read targets that are numbers, or indicators of several labels.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)

    Returns
    -------
    ndarray of the same shape, dtype float32

    Raises
    ------
    ValueError
        If it has other axes, or is not finite.
    """
    with named_overflow(name), named_targets(name, y):
        y = check_array(y, ensure_2d=False, dtype=np.float32, input_name=name)
    if y.ndim > 2:
        raise ValueError(
            f"{name} has {y.ndim} axes; targets have one, or two for several outputs."
        )
    # A column is a vector, as everywhere in scikit-learn.
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def check_indicators(name: str, y: Any) -> np.ndarray:
    """Read indicators of several labels a row.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    y : array-like of shape (n_rows, n_labels)

    Returns
    -------
    ndarray of shape (n_rows, n_labels), dtype float32

    Raises
    ------
    ValueError
        If there is another number than 0 and 1.
    """
    y = check_targets(name, y)
    values = np.unique(y)
    if not np.isin(values, [0, 1]).all():
        raise ValueError(
            f"{name} has the values {values} in several columns; indicators of several labels a "
            "row are 0 and 1."
        )
    return y


def check_prediction(values: np.ndarray) -> np.ndarray:
    """Give predictions back, if they are finite.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs)

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)

    Raises
    ------
    ValueError
        If one is not finite.
    """
    # The sum first, which is faster.
    if math.isfinite(values.sum()) or np.isfinite(values).all():
        return values
    row = int(np.argmin(np.isfinite(values).all(axis=1)))
    raise ValueError(
        f"The prediction for row {row} of X is not finite: it is too far from what the network "
        "was trained on. Scale X as in training."
    )


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
