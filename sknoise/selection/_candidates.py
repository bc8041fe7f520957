"""Candidates: the levels of penalty and noise that are tried, and with which others."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

# Of a network, by the parameters that say what to try.
LEVELS = {"alpha": "alphas", "noise_input": "noise_inputs", "noise_hidden": "noise_hiddens"}

Candidate = dict[str, float]


def make_candidates(
    estimator: Any, alphas: tuple[float, float], noises: tuple[float, float]
) -> list[Candidate]:
    """Read what to try.

    Parameters
    ----------
    estimator : BaseNoisyMLPCV
    alphas, noises : tuple of float
        Penalties, and levels of input noise, where they are "auto". Where both are, the first goes
        with the first and the second with the second; else each goes with all.

    Returns
    -------
    list of dict
        Parameters of a network, each combination once, those of least noise first.

    Raises
    ------
    ValueError
        If there is no level, or one is negative or not finite.
    """
    given = {
        name: _read_levels(name, value)
        for name in LEVELS.values()
        if not isinstance(value := getattr(estimator, name), str)
    }
    pairs = list(zip(alphas, noises, strict=True))
    if "alphas" in given or "noise_inputs" in given:
        pairs = list(product(given.get("alphas", alphas), given.get("noise_inputs", noises)))
    tried = {(noise, level, alpha) for alpha, noise in pairs for level in given["noise_hiddens"]}
    return [
        {"alpha": alpha, "noise_input": noise, "noise_hidden": level}
        for noise, level, alpha in sorted(tried)
    ]


def _read_levels(name: str, given: Any) -> tuple[float, ...]:
    try:
        levels = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        levels = np.array([np.nan])
    if levels.ndim != 1 or not len(levels) or not np.isfinite(levels).all() or levels.min() < 0:
        raise ValueError(
            f"{name}={given!r} must be a list of finite numbers, 0 or larger, at least one."
        )
    return tuple(levels.tolist())
