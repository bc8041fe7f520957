"""Read the weights of samples and classes."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sknoise.tasks._errors import check_collected, check_no_dates, named_overflow


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
    TypeError
        If they are dates or times, or in a lazy data frame.
    """
    if weight is None:
        return np.ones(n_rows)
    check_collected(**{name: weight})
    if np.isscalar(weight):
        weight = np.full(n_rows, weight)
    check_no_dates(name, weight)
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


def counted(weight: np.ndarray) -> np.ndarray:
    """Give weights as numbers of rows: of mean 1, where they are not whole numbers.

    Parameters
    ----------
    weight : ndarray of shape (n_rows,), dtype float64

    Returns
    -------
    ndarray of shape (n_rows,), dtype float64
    """
    return weight / weight.mean() if (weight % 1).any() else weight


def class_weighted(
    class_weight: Any, y: np.ndarray, weight: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Multiply sample weights by the weights of their classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Weight of each label, 1 where it is not named; labels that are not there count for
        nothing. "balanced" gives each class the same total weight, sample weights counted in.
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
        If a weight is no number, the labels are of another type than the classes, or no row has
        a positive weight left.

    Warns
    -----
    UserWarning
        If labels may be meant that an ensemble has encoded.
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
    _check_names(class_weight, classes)
    with named_overflow("class_weight"), np.errstate(over="ignore"):
        factors = np.array([class_weight.get(c, 1) for c in classes], dtype=np.float64)
        weight = weight * factors[y]
        total = weight.sum()
    if weight.min() < 0 or not np.isfinite(total) or not weight.any():
        raise ValueError(
            f"class_weight={class_weight!r} leaves weights that are negative, all 0, or without a "
            "finite sum; give finite weights of 0 or larger."
        )
    return weight


def _check_names(class_weight: dict[Any, float], classes: np.ndarray) -> None:
    """See that weights are of these classes; a part of the data may lack some."""
    named = set(classes)
    absent = [label for label in class_weight if label not in named]
    left = [label for label in classes.tolist() if label not in class_weight]
    encoded = (
        "VotingClassifier, StackingClassifier and BaggingClassifier train on labels that they "
        "have encoded as 0, 1, ..., in the order of classes_: there, name these in class_weight."
    )
    words = isinstance(classes[0], str)
    if (
        absent
        and len(left) == len(classes)
        and all(isinstance(label, str) != words for label in absent)
    ):
        raise ValueError(
            f"class_weight={class_weight!r} has none of the classes, {classes}. {encoded}"
        )
    numbers = classes.dtype.kind in "iu" and np.array_equal(classes, np.arange(len(classes)))
    if absent and left and numbers:
        warnings.warn(
            f"class_weight={class_weight!r} has {absent}, which y lacks, and leaves {left} at 1. "
            f"{encoded}",
            UserWarning,
            stacklevel=9,
        )
