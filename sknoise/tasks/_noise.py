"""The parameters that say where, how much, which and when noise acts, read into one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from sknoise.noise._sites import Site
from sknoise.tasks._automatic import automatic
from sknoise.tasks._parameters import MAX_FLOAT, as_float, per_layer, read_float
from sknoise.training._types import Noise, Rows

# Of dropout: what is left is multiplied by 1 / (1 - rate).
_MAX_RATE = float(np.nextafter(np.float32(1), np.float32(0)))

SCHEDULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda fraction: 1 - fraction,
    "cosine": lambda fraction: (1 + np.cos(np.pi * fraction)) / 2,
}


def read_noise(estimator: Any, n_hidden: int, unexplained: float | None) -> Noise:
    """Read the noise of an estimator.

    Parameters
    ----------
    estimator : BaseNoisyMLP
    n_hidden : int
        Number of hidden layers.
    unexplained : float or None
        Fraction of the targets' variance that levels go by that are "auto"; None where there is
        none.

    Returns
    -------
    Noise

    Raises
    ------
    ValueError
        If the number of levels is wrong, or one cannot be used.
    """
    level = f"a standard deviation: 0 (off) or larger, and at most {MAX_FLOAT:.2g}"
    rate = "0 (off) or larger, and below 1 in single precision"
    layers = f"nodes has {n_hidden} hidden layer(s)"
    kernels = f"there are {n_hidden + 1} kernels, one for each hidden layer and the output's"
    hidden = automatic("noise_hidden", estimator.noise_hidden, unexplained)
    values = {
        "hidden": per_layer("noise_hidden", hidden, n_hidden, level, layers),
        "activation": per_layer(
            "noise_activation", estimator.noise_activation, n_hidden, level, layers
        ),
        "dropout": per_layer("dropout", estimator.dropout, n_hidden, rate, layers, _MAX_RATE),
        "weights": per_layer(
            "noise_weights", estimator.noise_weights, n_hidden + 1, level, kernels
        ),
    }
    levels = {Site(kind, i): s for kind, on in values.items() for i, s in enumerate(on, 1)}
    for kind in ("input", "gradient", "target"):
        name = f"noise_{kind}"
        given = getattr(estimator, name)
        levels[Site(kind)] = read_float(name, automatic(name, given, unexplained))
    return Noise(
        {site: s for site, s in levels.items() if s},
        estimator.noise_distribution,
        estimator.noise_kind == "multiplicative",
    )


def schedule_factors(schedule: str | Callable[[float], float], epochs: int) -> np.ndarray | None:
    """Read the parameter ``noise_schedule``.

    Parameters
    ----------
    schedule : str or callable
    epochs : int
        Number of epochs.

    Returns
    -------
    ndarray of shape (epochs,), dtype float32, or None
        What multiplies the noise in each epoch; None is 1.

    Raises
    ------
    ValueError
        If a callable gives anything but finite numbers, 0 or larger.
    """
    if schedule == "constant":
        return None
    fractions = np.arange(epochs) / epochs
    if isinstance(schedule, str):
        return SCHEDULES[schedule](fractions).astype(np.float32)
    values = [schedule(float(fraction)) for fraction in fractions]
    for fraction, value in zip(fractions, values, strict=True):
        if not isinstance(value, Real) or not 0 <= as_float(value) <= MAX_FLOAT:
            raise ValueError(
                f"noise_schedule={schedule!r} gives {value!r} for the fraction {fraction:g}; it "
                "must give a finite number, 0 or larger, in single precision: what multiplies the "
                "noise then."
            )
    return np.array(values, dtype=np.float32)


def noisy_features(
    noise_free: Sequence[Any] | None, n_features: int, names: np.ndarray | None
) -> np.ndarray | None:
    """Read the parameter ``noise_free``.

    Parameters
    ----------
    noise_free : array-like of bool, int or str, or None
        A mask, numbers or names of the features that get no noise.
    n_features : int
        Number of features.
    names : ndarray of shape (n_features,) or None
        Their names.

    Returns
    -------
    ndarray of shape (n_features,), dtype bool, or None
        Which get noise; None is all of them.

    Raises
    ------
    ValueError
        If a feature is not there.
    """
    if noise_free is None:
        return None
    chosen = list(noise_free)
    if chosen and all(isinstance(c, bool | np.bool_) for c in chosen):
        if len(chosen) != n_features:
            raise ValueError(
                f"noise_free={noise_free!r} is a mask of {len(chosen)} features, but X has "
                f"{n_features}."
            )
        return ~np.array(chosen)
    noisy = np.ones(n_features, dtype=bool)
    for c in chosen:
        if isinstance(c, str) and names is not None and c in names:
            noisy[names == c] = False
        elif isinstance(c, Integral) and not isinstance(c, bool) and 0 <= int(c) < n_features:
            noisy[int(c)] = False
        else:
            has = f"the features 0 to {n_features - 1}"
            raise ValueError(
                f"noise_free={noise_free!r} names {c!r}, but X has {has}"
                f"{'' if names is None else f', named {list(names)}'}."
            )
    return noisy


def feature_deviations(data: Rows) -> np.ndarray:
    """Give the weighted standard deviation of each feature.

    Parameters
    ----------
    data : Rows
        The training data.

    Returns
    -------
    ndarray of shape (n_features,), dtype float64
    """
    X = data.X.astype(np.float64)
    centred = X - np.average(X, axis=0, weights=data.weight)
    return np.sqrt(np.average(centred**2, axis=0, weights=data.weight))
