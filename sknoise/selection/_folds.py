"""Folds: the rows that networks train on, and those that they are judged on."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

_N_FOLDS = 5


def make_folds(
    cv: Any,
    classifies: bool,
    X: Any,
    y: np.ndarray,
    weight: np.ndarray,
    params: dict[str, Any],
    seed: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide rows.

    Parameters
    ----------
    cv : int, cross-validation generator, iterable or None
        None is five folds. Folds whose number alone is given are shuffled, and stratified where
        rows have one label each.
    classifies : bool
    X : array-like of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,)
    params : dict
        What the generator asks for, such as groups.
    seed : int
        Of the shuffle.

    Returns
    -------
    list of tuple of ndarray
        Numbers of the rows to train on, and of those held out. Without folds that have no weight
        to be judged on.

    Raises
    ------
    ValueError
        If there are fewer than two, or one has no weight to train on.
    """
    stratified = classifies and y.ndim == 1
    if cv is None or isinstance(cv, Integral):
        kind = StratifiedKFold if stratified else KFold
        cv = kind(_N_FOLDS if cv is None else cv, shuffle=True, random_state=seed)
    splits = check_cv(cv, y, classifier=stratified).split(X, y, **params)
    folds = [(np.arange(len(y))[train], np.arange(len(y))[test]) for train, test in splits]
    for k, (train, _) in enumerate(folds):
        if not weight[train].any():
            raise ValueError(f"Fold {k} of cv has no rows of weight above 0 to train on.")
    folds = [fold for fold in folds if weight[fold[1]].any()]
    if len(folds) < 2:
        raise ValueError(f"cv makes {len(folds)} fold(s) to judge on; it needs at least 2.")
    return folds
