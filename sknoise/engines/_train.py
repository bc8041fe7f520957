"""Choose an engine, and have it train: the one place that knows which engines there are."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sknoise.engines._callbacks import fresh_keras_callbacks
from sknoise.engines._compiled import COMPILED
from sknoise.engines._interrupt import import_apart
from sknoise.engines._keras import KERAS
from sknoise.engines._types import Order, Run, Trained
from sknoise.training._fork import use_backend
from sknoise.training._types import State, Stop, Task

if TYPE_CHECKING:
    import keras

# By name; "auto" takes the first that can.
ENGINES = {"compiled": COMPILED, "keras": KERAS}


def prepare() -> None:
    """Import what training needs, which takes some seconds the first time.

    Raises
    ------
    RuntimeError
        If TensorFlow was used before this process was forked.
    """
    use_backend()
    import_apart("sknoise.training._initial")


def train(order: Order, stop: Stop) -> Trained:
    """Train what an estimator orders.

    Parameters
    ----------
    order : Order
    stop : callable
        Asked now and then whether to end with the epochs done.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If Keras or the engine cannot train this, or it cannot go on from before.
    TypeError
        If a callback is none of Keras's.
    RuntimeError
        If TensorFlow executes nothing at once.

    Warns
    -----
    UserWarning
        If "auto" has to take another engine than the first.
    """
    from sknoise.training._initial import check_keras

    task, model = order.task, order.task.model
    check_keras(model.optimizer)
    callbacks = fresh_keras_callbacks(order.callbacks)
    name = choose(order.engine, task, callbacks)
    model = replace(model, state=_first_state(order, name))
    task = replace(task, model=model)
    listeners = order.listeners(task)
    run = Run(task, callbacks, listeners, order.targets, order.verbose, stop)
    result, wrapper = ENGINES[name].train(run)
    model = replace(model, state=result.state)
    return Trained(model, result.history, name, callbacks, wrapper, result.snapshots)


def choose(name: str, task: Task, callbacks: Sequence[keras.callbacks.Callback]) -> str:
    """Choose an engine; tell where it is not the one that was hoped for.

    Parameters
    ----------
    name : str
        Name of the engine, or "auto".
    task : Task
    callbacks : sequence of keras.callbacks.Callback

    Returns
    -------
    str
        Name of an engine that can train the task.

    Raises
    ------
    ValueError
        If the engine cannot.

    Warns
    -----
    UserWarning
        If "auto" has to take another engine than the first.
    """
    names = list(ENGINES) if name == "auto" else [name]
    for name, after in zip(names, [*names[1:], None], strict=True):
        engine = ENGINES[name]
        reason = engine.reason_against(task, callbacks)
        if reason is None:
            break
        if after is None:
            raise ValueError(engine.refusal.format(reason=reason))
        warnings.warn(
            f"{ENGINES[after].fallback}: {reason}. engine={after!r} silences this.",
            UserWarning,
            stacklevel=6,
        )
    return name


def _first_state(order: Order, engine: str) -> State:
    """Give what training starts from."""
    from sknoise.training._initial import initial_state

    model = order.task.model
    if order.before is None:
        return initial_state(model.network, model.key, order.initializer)
    before = order.before.model
    if model.network != before.network:
        raise ValueError(
            f"Training cannot go on with another network: it was {before.network}, now it "
            f"is {model.network}. Keep nodes, activation, loss and classes, or start anew."
        )
    same = (model.optimizer, engine) == (before.optimizer, order.before.engine)
    return before.state if same else replace(before.state, optimizer=[])
