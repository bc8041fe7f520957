"""Lengths of training: which to try, how they are trained, and which is a level's best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sknoise.estimators import DivergedError, NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.inspection._checks import Split
from sknoise.inspection._result import NoiseCurve

_LENGTHS = (1 / 8, 1 / 4, 1 / 2, 1, 2)


def read_lengths(
    lengths: float | Sequence[float] | str | None,
    estimator: BaseEstimator,
    param_names: Sequence[str],
) -> np.ndarray | None:
    """Read the lengths.

    Parameters
    ----------
    lengths : float, sequence of float, "auto" or None
    estimator : estimator
    param_names : sequence of str
        Where there is noise.

    Returns
    -------
    ndarray of shape (n_lengths,) or None
        Ascending multiples of the estimator's own length; None is that alone.

    Raises
    ------
    ValueError
        If they are no numbers that can be lengths, or the estimator takes none.
    """
    if lengths is None:
        return None
    reason = _reason_against(estimator, param_names)
    if isinstance(lengths, str) and lengths == "auto":
        return None if reason else np.array(_LENGTHS)
    try:
        values = np.unique(np.asarray(lengths, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.zeros(1)
    if not len(values) or not np.isfinite(values).all() or values[0] <= 0:
        raise ValueError(
            f"lengths={lengths!r} must be finite numbers above 0, or 'auto', or None for the "
            "estimator's own length."
        )
    if reason:
        raise ValueError(f"lengths={lengths!r} cannot be tried: {reason}. Use lengths=None.")
    return values


def _reason_against(estimator: BaseEstimator, param_names: Sequence[str]) -> str | None:
    prefix, network = _network(estimator)
    if not isinstance(network, NoisyMLPClassifier | NoisyMLPRegressor) or any(
        name.rpartition("__")[0] != prefix.removesuffix("__") for name in param_names
    ):
        return (
            "the network must be the estimator, or the last step of a pipeline, for its epochs to "
            f"be set; here it is in {type(network).__name__}"
        )
    if network.early_stopping:
        return "with early_stopping=True the network finds its length by itself"
    return None


def _network(model: Any) -> tuple[str, Any]:
    """Give what a pipeline fits in the end, and what the names of its parameters begin with."""
    prefix = ""
    while isinstance(model, Pipeline):
        step, model = model.steps[-1]
        prefix += f"{step}__"
    return prefix, model


def own_epochs(model: BaseEstimator, X: Any, y: np.ndarray) -> int:
    """Say for how many epochs a model would train; it warns as the fit would, and trains nothing.

    Parameters
    ----------
    model : estimator
        Its copy, which is of no use afterwards.
    X : array-like of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)

    Returns
    -------
    int
    """
    found = []
    # All that a fit does, up to the training.
    _network(model)[1]._train = lambda task, *_: found.append(task.epochs)
    model.fit(X, y)
    return found[0]


def trained(
    model: BaseEstimator, epochs: np.ndarray | None, X: Any, y: np.ndarray
) -> Iterator[BaseEstimator | None]:
    """Fit a model, and fit it further.

    Parameters
    ----------
    model : estimator
    epochs : ndarray of shape (n_lengths,), dtype int64, or None
        Ascending numbers of epochs; None is one fit as the model would have it.
    X : array-like of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)

    Yields
    ------
    estimator or None
        Fitted, for each number of epochs; None from where it diverges on.
    """
    lengths = [None] if epochs is None else epochs.tolist()
    done = 0
    for i, n_epochs in enumerate(lengths):
        try:
            if n_epochs is None:
                model.fit(X, y)
            elif n_epochs > done:
                model = _with_epochs(model, n_epochs, done).fit(X, y)
                done = n_epochs
        except DivergedError:
            # Longer ones would too.
            yield from [None] * (len(lengths) - i)
            return
        yield model


def _with_epochs(model: BaseEstimator, n_epochs: int, done: int) -> BaseEstimator:
    """Say how long the next fit trains; where schedules go by the length, from new weights."""
    prefix, network = _network(model)
    goes_on = network.noise_schedule == "constant" and isinstance(network.learning_rate, Real)
    if not goes_on or network.callbacks:
        model, done = clone(model), 0
    # Also of a first fit, or it warned of few epochs, which are not the estimator's.
    return model.set_params(**{f"{prefix}epochs": n_epochs - done, f"{prefix}warm_start": True})


def at_best_lengths(
    at_length: Mapping[float, NoiseCurve], splits: Sequence[Split], n_rows: int
) -> NoiseCurve:
    """Take each level in each split at the length that is best in others.

    Parameters
    ----------
    at_length : dict of float to NoiseCurve
        Curves of fixed lengths, ascending, with their epochs where they are several.
    splits : sequence of (ndarray, ndarray)
    n_rows : int

    Returns
    -------
    NoiseCurve
    """
    curves = list(at_length.values())
    if len(curves) == 1:
        return curves[0]
    losses = np.stack([curve._losses for curve in curves])
    weights = _deciding(splits, n_rows).astype(float)
    weights /= weights.sum(axis=1, keepdims=True)
    means = np.nan_to_num(losses) @ weights.T
    # A length that makes a level diverge in any split is none for it.
    means[np.isnan(losses).any(axis=-1)] = np.inf
    best = means.argmin(axis=0)[None]

    def chosen(values: Sequence[np.ndarray]) -> np.ndarray:
        return np.take_along_axis(np.stack(values), best, axis=0)[0]

    first = curves[0]
    scores = {name: chosen([curve.scores[name] for curve in curves]) for name in first.scores}
    epochs = chosen([curve.epochs for curve in curves if curve.epochs is not None])
    return replace(first, scores=scores, epochs=epochs, at_length=at_length)


def _deciding(splits: Sequence[Split], n_rows: int) -> np.ndarray:
    """Give for each split the ones that choose its lengths, of shape (n_splits, n_splits)."""
    tests = np.zeros((len(splits), n_rows), dtype=bool)
    for row, (_, test) in zip(tests, splits, strict=True):
        row[test] = True
    others = ~(tests @ tests.T)
    alone = ~others.any(axis=1)
    others[alone] = ~np.eye(len(tests), dtype=bool)[alone]
    return others
