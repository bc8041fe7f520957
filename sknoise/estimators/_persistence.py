"""What a saved estimator holds: plain arrays, numbers, strings, and the version of sknoise."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from sknoise._versions import __version__
from sknoise.noise._sites import Site
from sknoise.tasks import plain_learning_rate
from sknoise.training._types import Model, Network, Noise, Optimizer, State
from sknoise.training._units import Units

_VERSION = "_sknoise_version"


class SavedByAnotherVersion(InconsistentVersionWarning):
    """A model is loaded by another version of sknoise than the one that saved it."""

    def __str__(self) -> str:
        return (
            f"This {self.estimator_name} was saved by sknoise {self.original_sklearn_version} and "
            f"is loaded by sknoise {self.current_sklearn_version}: it may fail, or predict "
            "otherwise. Fit it anew, or install the version that saved it."
        )


def saved(state: dict[str, Any]) -> dict[str, Any]:
    """Turn an estimator's attributes into what is saved.

    Parameters
    ----------
    state : dict
        All attributes. Of a fitted estimator the weights stay in ``coefs_`` and
        ``intercepts_``, beside those of the output for standardised targets; its Keras objects,
        which could not be loaded without TensorFlow, are left out: those built again when asked
        for, and ``callbacks_``. Of ``callbacks`` their names stay, of a schedule of the learning
        rate what it was made with.

    Returns
    -------
    dict
        The library's own types are not in it, but as values of parameters.
    """
    state = {**state, _VERSION: __version__}
    if "_fitted" in state:
        state |= {"_fitted": _plain(state["_fitted"]), "_made": None}
        state.pop("callbacks_", None)
        if state["callbacks"]:
            state["callbacks"] = [_name(callback) for callback in state["callbacks"]]
    rate = state["learning_rate"]
    # Who has yet to train, in another process, needs the class of a schedule that is not Keras's.
    if "_fitted" in state or type(rate).__module__.startswith("keras."):
        # One that was set since and cannot be used is left for the next fit to refuse.
        with suppress(ValueError):
            state["learning_rate"] = plain_learning_rate(rate)
    return state


def _name(callback: Any) -> str:
    """Give the name of a callback; of what was loaded it is there already."""
    return callback if isinstance(callback, str) else type(callback).__name__


def loaded(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Turn what was saved back into an estimator's attributes.

    Parameters
    ----------
    state : dict
        As ``saved`` gives it.
    name : str
        Name of the estimator's class, for the warning.

    Returns
    -------
    dict

    Warns
    -----
    SavedByAnotherVersion
        If another version has saved it.
    """
    state = dict(state)
    version = state.pop(_VERSION, "of an unknown version")
    if version != __version__:
        warnings.warn(
            SavedByAnotherVersion(
                estimator_name=name,
                current_sklearn_version=__version__,
                original_sklearn_version=version,
            ),
            stacklevel=3,
        )
    if "_fitted" in state:
        pairs = zip(state["coefs_"], state["intercepts_"], strict=True)
        state["_fitted"] = _model(state["_fitted"], [a for pair in pairs for a in pair])
    return state


def _plain(model: Model) -> dict[str, Any]:
    """Give all of a fitted model but what ``coefs_`` has, in builtin types and arrays."""
    noise, state, units = model.noise, model.state, model.units
    return {
        **vars(model),
        "network": asdict(model.network),
        "optimizer": asdict(model.optimizer),
        "noise": {**vars(noise), "levels": [(*site, s) for site, s in noise.levels.items()]},
        "units": None if units is None else vars(units),
        "state": {
            "output": state.weights[-2:],
            "optimizer": state.optimizer,
            "n_epochs": state.n_epochs,
            "n_steps": state.n_steps,
        },
    }


def _model(plain: dict[str, Any], weights: Sequence[np.ndarray]) -> Model:
    """Undo ``_plain``."""
    levels = {Site(kind, layer): s for kind, layer, s in plain["noise"]["levels"]}
    units, state = plain["units"], dict(plain["state"])
    weights = [*weights[:-2], *state.pop("output")]
    parts = {
        "network": Network(**plain["network"]),
        "optimizer": Optimizer(**plain["optimizer"]),
        "noise": Noise(**{**plain["noise"], "levels": levels}),
        "state": State(weights, **state),
        "units": None if units is None else Units(**units),
    }
    return Model(**{**plain, **parts})
