"""Keras's callbacks, called between the epochs of the compiled program."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MethodType
from typing import TYPE_CHECKING, Any

from sknoise.engines._listeners import Listener
from sknoise.training._types import Model, State, Task

if TYPE_CHECKING:
    import keras

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
        If one is no instance of a Keras callback, or cannot be copied.
    """
    import keras

    for callback in callbacks or []:
        if not isinstance(callback, keras.callbacks.Callback):
            hint = "scikit-learn's callbacks go to set_callbacks."
            if isinstance(callback, str):
                hint = "Of callbacks only the names are saved: set them anew, or to None."
            raise TypeError(
                f"callbacks has {callback!r}, which is no instance of keras.callbacks.Callback. "
                f"{hint}"
            )
    return [_fresh(callback) for callback in callbacks or []]


def _fresh(callback: keras.callbacks.Callback) -> keras.callbacks.Callback:
    """Copy a callback, but not what its attributes hold, which is what users look at later."""
    try:
        fresh = copy.copy(callback)
    except Exception as error:
        raise TypeError(
            f"callbacks has {callback!r}, of which each fit needs a copy: {error}. Give its class "
            "a method __copy__."
        ) from error
    # Methods of its own among them would still be the original's.
    for name, value in list(vars(fresh).items()):
        if isinstance(value, MethodType) and value.__self__ is callback:
            setattr(fresh, name, MethodType(value.__func__, fresh))
    return fresh


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
        What the callbacks see: its weights, its learning rate and the number of its optimizer's
        steps are those of the run; weights and learning rate that callbacks set there count.
    """

    def __init__(
        self, callbacks: list[keras.callbacks.Callback], task: Task, model: keras.Model
    ) -> None:
        import keras

        from sknoise.keras._loop import build_metrics

        self._model = model
        self._has_schedule = bool(task.model.optimizer.schedule)
        self._logs: dict[str, float] | None = None
        model.stop_training = False
        build_metrics(model, task)
        self._show(task.model)
        # As Keras's own fit makes it.
        self._callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            model=model,
            epochs=task.epochs,
            verbose=0,
            steps=task.n_batches,
        )
        self._callbacks.on_train_begin()

    def epoch_begin(self, epoch: int, model: Model) -> Model:
        """Pass it on; give the model with the weights and learning rate that were set."""
        self._callbacks.on_epoch_begin(epoch)
        return self._as_set(model)

    def epoch_end(self, epoch: int, figures: Mapping[str, float], model: Model) -> Model:
        """Pass it on; give the model with the weights and learning rate that were set."""
        self._show(model)
        self._logs = dict(figures)
        self._callbacks.on_epoch_end(epoch, self._logs)
        return self._as_set(model)

    @property
    def stops(self) -> bool:
        """Whether a callback has said so."""
        return bool(self._model.stop_training)

    def end(self, model: Model) -> Model:
        """Pass it on; give the model with the weights that were set."""
        self._show(model)
        self._callbacks.on_train_end(self._logs)
        return self._as_set(model)

    def _show(self, model: Model) -> None:
        """Let the Keras model have what the network has."""
        self._model.set_weights(model.state.weights)
        # The first of an optimizer's variables counts its steps.
        n_steps = model.state.optimizer[0] if model.state.optimizer else 0
        self._model.optimizer.iterations.assign(n_steps)

    def _as_set(self, model: Model) -> Model:
        """Give the model with what callbacks may have set."""
        model = replace(model, state=replace(model.state, weights=self._model.get_weights()))
        if self._has_schedule:
            return model
        return replace(model, learning_rate=float(self._model.optimizer.learning_rate))


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
