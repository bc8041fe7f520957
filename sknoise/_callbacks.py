"""Callbacks of Keras and of scikit-learn, called between the epochs of the compiled program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sknoise.training._types import Model, Progress, Result, State, Stop, Task

if TYPE_CHECKING:
    import keras

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's support of callbacks, which this version has not got."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "with_callbacks"]

# What Keras calls for each minibatch, and once between epochs.
_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


class Listener(Protocol):
    """Who listens to a training run, and may change its course."""

    def epoch_begin(self, epoch: int, model: Model) -> Model:
        """Hear that an epoch begins; give the model to train."""

    def epoch_end(self, epoch: int, figures: Mapping[str, float], model: Model) -> Model:
        """Hear that an epoch has ended; give the model to go on with."""

    @property
    def stops(self) -> bool:
        """Whether training is to end here."""

    def end(self, model: Model) -> Model:
        """Hear that training has ended; give the model to end with."""


def train_by_epochs(
    task: Task, listeners: Sequence[Listener], progress: Progress | None, stop: Stop
) -> Result:
    """Train in calls of one epoch, with listeners in between.

    Parameters
    ----------
    task : Task
    listeners : sequence of Listener
    progress : callable or None
        Called after each epoch.
    stop : callable
        Asked whether to end with the epochs done.

    Returns
    -------
    Result
    """
    from sknoise.training._stack import ended, run_stack

    model = task.model
    parts: dict[str, list[np.ndarray]] = {name: [] for name in task.figures}
    for epoch in range(task.epochs):
        for listener in listeners:
            model = listener.epoch_begin(epoch, model)
        schedule = None if task.schedule is None else task.schedule[epoch : epoch + 1]
        one = replace(task, model=model, epochs=1, schedule=schedule)
        (result,) = run_stack([one], stop=stop)
        if not len(result.history["loss"]):
            break
        model = replace(model, state=result.state)
        for name, figure in result.history.items():
            parts[name].append(figure)
        figures = {name: float(figure[0]) for name, figure in result.history.items()}
        for listener in listeners:
            model = listener.epoch_end(epoch, figures, model)
        if progress is not None:
            progress(epoch + 1, figures)
        best, rule = model.state.best, task.stopping
        # As Keras has it, an epoch that improves never stops, whatever the patience.
        patience_lost = rule and best and best.wait >= max(rule.patience, 1)
        if stop() or patience_lost or any(listener.stops for listener in listeners):
            break
        if not np.isfinite(figures["loss"]):
            break
    none = np.zeros(0)
    history = {name: np.concatenate([none, *figures]) for name, figures in parts.items()}
    state = ended(task, model.state, len(history["loss"]))
    model = replace(model, state=state)
    for listener in listeners:
        model = listener.end(model)
    return Result(model.state, history)


def fresh_keras_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """Read the parameter ``callbacks``.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback or None

    Returns
    -------
    list of keras.callbacks.Callback
        Copies, so that each fit has its own.

    Raises
    ------
    TypeError
        If one is no instance of a Keras callback.
    """
    import keras

    for callback in callbacks or []:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"callbacks has {callback!r}, which is no instance of keras.callbacks.Callback. "
                "scikit-learn's callbacks go to set_callbacks."
            )
    return [copy.deepcopy(callback) for callback in callbacks or []]


def reason_against_epochs(callbacks: Sequence[keras.callbacks.Callback]) -> str | None:
    """Say why callbacks cannot be called between epochs alone; None where they can."""
    import keras

    for callback in callbacks:
        # These look at batches only where they are told to save after some of them.
        if getattr(callback, "save_freq", None) == "epoch":
            continue
        for name in _BATCH_HOOKS:
            method = getattr(callback, name)
            if getattr(method, "__func__", method) is not getattr(keras.callbacks.Callback, name):
                return f"the callback {type(callback).__name__} listens to {name}"
    return None


class KerasListener:
    """Passes a training run on to Keras callbacks.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback
    task : Task
    model : keras.Model
        What the callbacks see: its weights and learning rate are those of the run, and what
        callbacks set there counts.
    """

    def __init__(
        self, callbacks: list[keras.callbacks.Callback], task: Task, model: keras.Model
    ) -> None:
        import keras

        self._model = model
        self._has_schedule = bool(task.model.optimizer.schedule)
        model.stop_training = False
        self._callbacks = keras.callbacks.CallbackList(
            callbacks, model=model, epochs=task.epochs, verbose=0, steps=task.n_batches
        )
        self._callbacks.on_train_begin()

    def epoch_begin(self, epoch: int, model: Model) -> Model:
        """Pass it on; give the model with the weights and learning rate that were set."""
        self._callbacks.on_epoch_begin(epoch)
        return self._as_set(model)

    def epoch_end(self, epoch: int, figures: Mapping[str, float], model: Model) -> Model:
        """Pass it on; give the model with the weights and learning rate that were set."""
        self._model.set_weights(model.state.weights)
        self._callbacks.on_epoch_end(epoch, dict(figures))
        return self._as_set(model)

    @property
    def stops(self) -> bool:
        """Whether a callback has said so."""
        return bool(self._model.stop_training)

    def end(self, model: Model) -> Model:
        """Pass it on; give the model with the weights that were set."""
        self._model.set_weights(model.state.weights)
        self._callbacks.on_train_end()
        return self._as_set(model)

    def _as_set(self, model: Model) -> Model:
        """Give the model with what callbacks may have set."""
        model = replace(model, state=replace(model.state, weights=self._model.get_weights()))
        if self._has_schedule:
            return model
        return replace(model, learning_rate=float(self._model.optimizer.learning_rate))


class SklearnListener:
    """Passes a training run on to scikit-learn's callbacks.

    Parameters
    ----------
    estimator : BaseNoisyMLP
        The estimator that is fitted.
    context : sklearn.callback.CallbackContext
        Of the call to ``fit``.
    X, y : ndarray
        What it is fitted on.
    attributes : callable
        Gives the fitted attributes of a network in training.
    """

    def __init__(
        self,
        estimator: Any,
        context: Any,
        X: np.ndarray,
        y: np.ndarray,
        attributes: Callable[[Model], dict[str, Any]],
    ) -> None:
        self._estimator = estimator
        self._context = context
        self._data = {"X": X, "y": y}
        self._attributes = attributes
        self._epoch: Any = None
        self._stops = False
        context.call_on_fit_task_begin(estimator=estimator, **self._data)

    def epoch_begin(self, epoch: int, model: Model) -> Model:
        """Pass it on."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return model

    def epoch_end(self, epoch: int, figures: Mapping[str, float], model: Model) -> Model:
        """Pass it on."""
        self._stops |= self._tell_end(self._epoch, model)
        return model

    @property
    def stops(self) -> bool:
        """Whether a callback has said so."""
        return self._stops

    def end(self, model: Model) -> Model:
        """Pass it on."""
        self._tell_end(self._context, model)
        return model

    def _tell_end(self, context: Any, model: Model) -> bool:
        return bool(
            context.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=lambda: self._attributes(model),
                **self._data,
            )
        )


def as_keras_callback(listener: Listener, model: Model) -> keras.callbacks.Callback:
    """Let Keras's own loop call a listener, which only listens and stops.

    Parameters
    ----------
    listener : Listener
    model : Model
        What is trained.

    Returns
    -------
    keras.callbacks.Callback
    """
    import keras

    class Relay(keras.callbacks.Callback):
        def _present(self) -> Model:
            return replace(model, state=State(self.model.get_weights()))

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            listener.epoch_begin(epoch, self._present())

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            listener.epoch_end(epoch, logs or {}, self._present())
            self.model.stop_training |= listener.stops

        def on_train_end(self, logs: Any = None) -> None:
            listener.end(self._present())

    return Relay()
