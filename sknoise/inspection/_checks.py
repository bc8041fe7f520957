"""What ``noise_curve`` is given, checked and read before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, check_cv
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknoise.inspection._scores import CLASSIFIER_METRICS, FEWEST_ROWS, REGRESSOR_METRICS
from sknoise.tasks import check_targets, named_targets

# The parameters of our estimators that are levels of noise.
_NOISES = (
    "noise_input",
    "noise_hidden",
    "noise_activation",
    "noise_weights",
    "noise_gradient",
    "noise_target",
    "dropout",
)
_N_FOLDS, _N_REPEATS = 5, 10

Split = tuple[np.ndarray, np.ndarray]  # Numbers of the rows to train and to test on.
Settings = dict[str, Any]


def read_metrics(estimator: Any, metric: str | None) -> tuple[str, ...]:
    """Give the metrics of an estimator; refuse what cannot be scored.

    Parameters
    ----------
    estimator : object
    metric : str or None
        The one that shall decide.

    Returns
    -------
    tuple of str

    Raises
    ------
    TypeError
        If the estimator is neither classifier nor regressor, or has no probabilities.
    ValueError
        If it has no such metric.
    """
    name = type(estimator).__name__
    if not isinstance(estimator, BaseEstimator) or not (
        is_classifier(estimator) or is_regressor(estimator)
    ):
        raise TypeError(f"estimator must be a classifier or a regressor, not {name}.")
    if is_classifier(estimator) and not hasattr(estimator, "predict_proba"):
        raise TypeError(f"estimator={name} has no predict_proba, which noise_curve needs.")
    metrics = CLASSIFIER_METRICS if is_classifier(estimator) else REGRESSOR_METRICS
    if metric is not None and metric not in metrics:
        raise ValueError(f"metric={metric!r} must be one of {list(metrics)}, or None.")
    return metrics


def full_names(estimator: BaseEstimator, param_names: str | Sequence[str]) -> tuple[str, ...]:
    """Find the parameters of an estimator that have the given names at their end.

    Parameters
    ----------
    estimator : estimator
    param_names : str or sequence of str

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If there is no such parameter, or more than one.
    """
    names = [param_names] if isinstance(param_names, str) else list(param_names)
    noises = [p for p in estimator.get_params() if p.rpartition("__")[2] in _NOISES]
    if not noises:
        raise ValueError(
            f"estimator={type(estimator).__name__} has no noise to vary: it must be, or hold, a "
            "NoisyMLPClassifier or a NoisyMLPRegressor."
        )
    if not names:
        raise ValueError(f"param_names={param_names!r} is empty; name some of {noises}.")
    full = []
    for name in names:
        found = [p for p in noises if name == p]
        found = found or [p for p in noises if p.endswith(f"__{name}")]
        if len(found) != 1:
            matches = f"matches {found}" if found else "is no level of noise"
            raise ValueError(
                f"param_names={param_names!r}: {name!r} {matches}; the estimator has {noises}."
            )
        full += found
    if len(set(full)) < len(full):
        raise ValueError(f"param_names={param_names!r} names a parameter twice.")
    return tuple(full)


def read_levels(noise_levels: Sequence[float]) -> np.ndarray:
    """Read the levels.

    Parameters
    ----------
    noise_levels : sequence of float

    Returns
    -------
    ndarray of shape (n_levels,)
        In order, from 0 on.

    Raises
    ------
    ValueError
        If they are not numbers that can be levels, and one above 0.
    """
    try:
        levels = np.unique(np.append(np.asarray(noise_levels, dtype=np.float64), 0))
    except (TypeError, ValueError):
        levels = np.array([np.nan])
    if not np.isfinite(levels).all() or levels[0] < 0 or len(levels) < 2:
        raise ValueError(
            f"noise_levels={noise_levels!r} must be finite numbers, 0 or larger, and at least "
            "one above 0."
        )
    return levels


def check_candidates(estimator: BaseEstimator, candidates: Sequence[Settings]) -> None:
    """Let each network say what is wrong with its parameters, before one is trained.

    Parameters
    ----------
    estimator : estimator
    candidates : sequence of dict of str to object
    """
    for settings in candidates:
        model = clone(estimator).set_params(**settings)
        for holder in {name.rpartition("__")[0] for name in settings}:
            network = model.get_params()[holder] if holder else model
            network._validate_params()


def read_targets(y: Any, classifies: bool) -> np.ndarray:
    """Check labels or targets.

    Parameters
    ----------
    y : array-like
    classifies : bool

    Returns
    -------
    ndarray of shape (n_rows,) or (n_rows, n_outputs)

    Raises
    ------
    ValueError
        If there is not one label for each row, or a target is not finite.
    TypeError
        If there are dates where numbers are needed.
    """
    if not classifies:
        return check_targets("y", y)
    with named_targets("y", y):
        kind = type_of_target(y, input_name="y")
        if kind == "unknown":
            check_classification_targets(y)
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"y is {kind}; noise_curve needs one class label for each row.")
    return column_or_1d(y)


def make_splits(
    cv: Any, X: Any, y: np.ndarray, groups: Any, classifies: bool, metric: str, seed: int
) -> list[Split]:
    """Make the splits, and check that they can be used.

    Parameters
    ----------
    cv : int, cross-validation generator, iterable or None
    X : array-like of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    groups : array-like of shape (n_rows,) or None
    classifies : bool
    metric : str
        The one that decides.
    seed : int
        Of the default splits.

    Returns
    -------
    list of (ndarray, ndarray)

    Raises
    ------
    ValueError
        If there are too few of them, or one cannot be learnt or scored.
    """
    if cv is None:
        folds = RepeatedStratifiedKFold if classifies else RepeatedKFold
        cv = folds(n_splits=_N_FOLDS, n_repeats=_N_REPEATS, random_state=seed)
    splits = list(check_cv(cv, y, classifier=classifies).split(X, y, groups))
    if len(splits) < 2:
        raise ValueError(f"cv={cv!r} makes {len(splits)} split; an interval needs at least 2.")
    needed = FEWEST_ROWS.get(metric, 1)
    fewest = min(len(test) for _, test in splits)
    if fewest < needed:
        raise ValueError(
            f"metric={metric!r} needs {needed} or more test rows in each split, but "
            f"cv={cv!r} makes one of {fewest}: give fewer folds, or another metric."
        )
    for train, test in splits if classifies else ():
        unseen = np.setdiff1d(y[test], y[train])
        if len(unseen):
            raise ValueError(
                f"In a split all rows of {unseen.tolist()} are test rows, so their probabilities "
                "cannot be learnt: give fewer folds, or leave these classes out."
            )
    return splits
