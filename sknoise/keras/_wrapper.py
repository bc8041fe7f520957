"""The one module that knows scikeras: our networks as Keras models, trained by Keras's loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from scikeras.wrappers import BaseWrapper, KerasClassifier, KerasRegressor

from sknoise.keras._loop import (
    Batches,
    BrokenOffError,
    Guard,
    Snapshots,
    column,
    early_stopping,
    metric_name,
)
from sknoise.keras._model import keras_model
from sknoise.training._types import Model, Result, State, Stop, Task


class _NoisyKeras(BaseWrapper):
    """What the scikeras wrappers of our networks share.

    Parameters
    ----------
    blueprint : Model
        Network, noise, optimizer, key and weights.
    **kwargs
        Parameters of the scikeras wrapper.
    """

    # A Keras model of the blueprint that there is already, for the first use.
    made: keras.Sequential | None = None

    def __init__(self, blueprint: Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.blueprint = blueprint

    def _keras_build_fn(self) -> keras.Sequential:
        made, self.made = self.made, None
        return keras_model(self.blueprint) if made is None else made

    def train(self, task: Task, callbacks: list[keras.callbacks.Callback], stop: Stop) -> Result:
        """Train by ``keras.Model.fit``, from the state of the task's model on.

        Parameters
        ----------
        task : Task
            What to train.
        callbacks : list of keras.callbacks.Callback
        stop : callable
            Asked after each epoch whether to end there.

        Returns
        -------
        Result
        """
        start = task.model.state
        if start.optimizer:
            for variable, value in zip(self._optimizer_variables(), start.optimizer, strict=True):
                variable.assign(value)
        validation = None
        if task.validation is not None:
            rows = task.validation
            validation = (rows.X, column(rows.y), rows.weight)
        early = [] if task.stopping is None else [early_stopping(task.stopping, task)]
        guard = Guard(stop, self._optimizer_variables())
        snapshots = Snapshots(task.snapshots)
        self._fit_callbacks = [*early, *callbacks, snapshots, guard]
        # The hook through which scikeras itself trains; it keeps the wrapper's history.
        try:
            self._fit_keras_model(
                Batches(task),
                None,
                sample_weight=None,
                warm_start=False,
                epochs=task.epochs,
                initial_epoch=0,
                shuffle=False,
                verbose=0,
                validation_data=validation,
                validation_batch_size=len(task.validation) if task.validation else None,
            )
        except BrokenOffError:
            self.history_ = self.model_.history.history
            guard.restore()
            for callback in self._fit_callbacks:
                callback.on_train_end(guard.logs)
        names = {k: metric_name(k, task.model) for k in task.figures}
        history = {k: np.array(self.history_.get(name, [])) for k, name in names.items()}
        n_epochs = len(history["loss"])
        optimizer = [] if early else [ops.convert_to_numpy(v) for v in self._optimizer_variables()]
        ended = State(
            self.model_.get_weights(),
            optimizer,
            start.n_epochs + n_epochs,
            start.n_steps + n_epochs * task.n_batches,
        )
        return Result(ended, history, snapshots.weights)

    def _optimizer_variables(self) -> list[keras.Variable]:
        optimizer = self.model_.optimizer
        return [v for v in optimizer.variables if v is not optimizer._learning_rate]


class NoisyKerasClassifier(_NoisyKeras, KerasClassifier):
    """A scikeras classifier of our network; its parameter ``blueprint`` is our ``Model``."""


class NoisyKerasRegressor(_NoisyKeras, KerasRegressor):
    """A scikeras regressor of our network; its parameter ``blueprint`` is our ``Model``."""


def make_wrapper(
    model: Model, made: keras.Sequential, y: np.ndarray
) -> NoisyKerasClassifier | NoisyKerasRegressor:
    """Make the scikeras wrapper of a model.

    Parameters
    ----------
    model : Model
        The model, with its weights.
    made : keras.Sequential
        What ``keras_model`` has made of it.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Some targets: all labels that there are, or numbers of the right shape.

    Returns
    -------
    NoisyKerasClassifier or NoisyKerasRegressor
        Initialised: it predicts, and can be trained further.
    """
    classifies = model.network.output in ("sigmoid", "softmax")
    wrapper = (NoisyKerasClassifier if classifies else NoisyKerasRegressor)(model)
    wrapper.made = made
    # The rows tell scikeras of the targets and the number of features.
    return wrapper.initialize(np.zeros((len(y), model.network.sizes[0])), y)
