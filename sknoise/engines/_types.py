"""What an estimator orders from an engine, what it gets back, and what an engine is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sknoise.engines._listeners import Listener
from sknoise.training._types import Model, Progress, Result, Stop, Task

if TYPE_CHECKING:
    import keras

    from sknoise.keras._wrapper import NoisyKerasClassifier, NoisyKerasRegressor

    Wrapper = NoisyKerasClassifier | NoisyKerasRegressor


class Before(NamedTuple):
    """What training goes on from."""

    model: Model
    engine: str


@dataclass(frozen=True)
class Order:
    """What an estimator asks an engine for.

    Parameters
    ----------
    task : Task
        What to train; its model has no weights yet.
    engine : str
        Name of the engine, or "auto".
    before : Before or None
        What to go on from; None is from new weights.
    initializer : str
        Keras's name of what draws these.
    callbacks : sequence of keras.callbacks.Callback or None
        As users gave them.
    listeners : callable
        Gives who else listens to the task.
    targets : ndarray
        Tell scikeras what there is to predict.
    verbose : bool
        Whether to show a progress bar.
    """

    task: Task
    engine: str
    before: Before | None
    initializer: str
    callbacks: Sequence[keras.callbacks.Callback] | None
    listeners: Callable[[Task], list[Listener]]
    targets: np.ndarray
    verbose: bool


@dataclass(frozen=True)
class Run:
    """What an engine trains.

    Parameters
    ----------
    task : Task
        With the weights to start from.
    callbacks : list of keras.callbacks.Callback
        This run's own.
    listeners : list of Listener
    targets : ndarray
        Tell scikeras what there is to predict.
    verbose : bool
        Whether to show a progress bar.
    stop : callable
        Asked now and then whether to end with the epochs done.
    """

    task: Task
    callbacks: list[keras.callbacks.Callback]
    listeners: list[Listener]
    targets: np.ndarray
    verbose: bool
    stop: Stop

    def progress(self) -> AbstractContextManager[Progress | None]:
        """Give a progress bar to enter, where one is asked for."""
        if not self.verbose:
            return nullcontext()
        from sknoise.training._progress import progress_bar

        return progress_bar(self.task.epochs)


@dataclass(frozen=True)
class Engine:
    """A way to turn a task into a result.

    Parameters
    ----------
    train : callable
        Turns a ``Run`` into a ``Result``, and gives the scikeras wrapper where that was trained.
    reason_against : callable
        Says of a task and callbacks why it cannot train them; None where it can.
    refusal : str
        The error where it must and cannot, with the place ``{reason}``.
    fallback : str
        What "auto" says when it comes to this engine, since those before cannot.
    """

    train: Callable[[Run], tuple[Result, Wrapper | None]]
    reason_against: Callable[[Task, Sequence[Any]], str | None]
    refusal: str
    fallback: str = ""


@dataclass(frozen=True)
class Trained:
    """What an engine has made of an order.

    Parameters
    ----------
    model : Model
        With the state that training ended with.
    history : dict of str to ndarray of shape (epochs,), dtype float64
        The task's figures.
    engine : str
        Name of the engine.
    callbacks : list of keras.callbacks.Callback
        Those that were called.
    wrapper : NoisyKerasClassifier, NoisyKerasRegressor or None
        The scikeras wrapper, where it was trained.
    snapshots : list of list of ndarray
        The weights at the task's snapshots, as far as training came.
    """

    model: Model
    history: dict[str, np.ndarray]
    engine: str
    callbacks: list[keras.callbacks.Callback]
    wrapper: Wrapper | None
    snapshots: list[list[np.ndarray]]
