"""Keras's own loop as an engine, through scikeras: slow, and independent of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sknoise.engines._callbacks import as_keras_callback
from sknoise.engines._types import Engine, Run
from sknoise.training._fork import use_backend
from sknoise.training._types import Model, Result, Task

if TYPE_CHECKING:
    import keras

    from sknoise.engines._types import Wrapper

# What exists in the compiled program only.
_ONLY_COMPILED = {
    "weights": "noise_weights",
    "gradient": "noise_gradient",
    "target": "noise_target",
}


def _reason_against(task: Task, callbacks: Sequence[Any]) -> str | None:
    for site in task.model.noise.levels:
        if site.kind in _ONLY_COMPILED:
            return f"it has no {_ONLY_COMPILED[site.kind]}"
    return None if task.schedule is None else "it has no noise_schedule but 'constant'"


def _train(run: Run) -> tuple[Result, Wrapper | None]:
    from sknoise.keras._loop import Reporter

    with run.progress() as progress:
        relays = [as_keras_callback(listener, run.task.model) for listener in run.listeners]
        if progress is not None:
            relays.append(Reporter(run.task, progress))
        wrapper = wrapped(run.task.model, made_of(run.task.model), run.targets)
        return wrapper.train(run.task, [*run.callbacks, *relays], run.stop), wrapper


def made_of(model: Model) -> keras.Sequential:
    """Give a model as a plain Keras model.

    Parameters
    ----------
    model : Model

    Returns
    -------
    keras.Sequential
        Compiled, with the model's weights.

    Raises
    ------
    RuntimeError
        If Keras was used before this process was forked, or cannot be used as it is set up.
    ValueError
        If Keras does not know the optimizer.
    """
    use_backend()
    from sknoise.keras._model import keras_model
    from sknoise.training._initial import check_keras

    check_keras(model.optimizer)
    return keras_model(model)


def wrapped(model: Model, made: keras.Sequential, targets: np.ndarray) -> Wrapper:
    """Give a model as a scikeras wrapper, which nobody has trained yet.

    Parameters
    ----------
    model : Model
    made : keras.Sequential
        What ``made_of`` gives.
    targets : ndarray
        Tell scikeras what there is to predict.

    Returns
    -------
    NoisyKerasClassifier or NoisyKerasRegressor

    Raises
    ------
    RuntimeError
        If Keras was used before this process was forked.
    """
    # The Keras model may have been made before a fork.
    use_backend()
    from sknoise.keras._wrapper import make_wrapper

    return make_wrapper(model, made, targets)


KERAS = Engine(
    _train,
    _reason_against,
    refusal="Keras's own loop cannot train this: {reason}.",
    fallback="Training by Keras's own, slower loop",
)
