"""scikit-learn's callbacks, where its version has them: who passes a training run on to them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sknoise.engines import Listener
from sknoise.training._types import Model, Task

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's support of callbacks, which this version has not got."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "PassedOn", "sklearn_listeners", "with_callbacks"]


class PassedOn:
    """The parameter ``callbacks``, of which scikit-learn's ``clone`` copies only the list.

    It would copy a study, a list or a file in a callback's attributes too, and what a fit of the
    clone does with that would be lost. Each fit copies the callbacks themselves.

    Parameters
    ----------
    callbacks : list or tuple of keras.callbacks.Callback, or None
    """

    def __init__(self, callbacks: Any) -> None:
        self._callbacks = callbacks

    def __sklearn_clone__(self) -> Any:
        return copy.copy(self._callbacks)


def sklearn_listeners(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    attributes: Callable[[Model], dict[str, Any]],
    task: Task,
) -> list[Listener]:
    """Give who listens for scikit-learn's callbacks, where there are some.

    Parameters
    ----------
    estimator : BaseNoisyMLP
        The estimator that is fitted.
    X, y : ndarray
        What it is fitted on.
    attributes : callable
        Gives the fitted attributes of a network in training.
    task : Task
        What is trained.

    Returns
    -------
    list of Listener
    """
    if not hasattr(estimator, "_init_callback_context"):
        return []
    context = estimator._init_callback_context(max_subtasks=task.epochs)
    if not getattr(estimator, "_skl_callbacks", []):
        return []
    return [_SklearnListener(estimator, context, X, y, attributes)]


class _SklearnListener:
    """Passes a training run on to scikit-learn's callbacks."""

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
