"""Read labels, indicators of several labels, and targets that are numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknoise.tasks._errors import check_no_dates, named_overflow, named_targets


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

    Warns
    -----
    DataConversionWarning
        If they are a single column.
    """
    if type_of_target(y) == "unknown":
        # Before its shape is looked at: of objects in several columns, their dtype is wrong first.
        check_classification_targets(y)
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


def check_targets(name: str, y: Any) -> np.ndarray:
    """Read targets that are numbers, or indicators of several labels.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)

    Returns
    -------
    ndarray of the same shape, dtype float64

    Raises
    ------
    ValueError
        If it has other axes, or is not finite.
    TypeError
        If it has dates or times.

    Warns
    -----
    DataConversionWarning
        If it is a single column.
    """
    with named_overflow(name), named_targets(name, y):
        check_no_dates(name, y)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name)
    if y.ndim > 2:
        raise ValueError(
            f"{name} has {y.ndim} axes; targets have one, or two for several outputs."
        )
    # A column is a vector, as everywhere in scikit-learn.
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def warn_of_one_hot(y: np.ndarray) -> None:
    """Warn of indicators of several labels that look like one-hot classes.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_labels)

    Warns
    -----
    UserWarning
        If each row has exactly one label.
    """
    if (y.sum(axis=1) == 1).all():
        warnings.warn(
            "y has one 1 in each row, as classes have that to_categorical or get_dummies has "
            "turned into columns. Columns are trained as several labels a row, each by itself, "
            "and their probabilities do not sum to 1. If they are classes, give their labels: "
            "np.argmax(y, axis=1), or what the columns were made of.",
            UserWarning,
            stacklevel=7,
        )


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
    return y.astype(np.float32)
