"""What the estimators share: from a task to an engine, and to fitted attributes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import wraps
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sknoise._callbacks import (
    CallbackSupportMixin,
    KerasListener,
    Listener,
    SklearnListener,
    as_keras_callback,
    fresh_keras_callbacks,
    reason_against_epochs,
    train_by_epochs,
)
from sknoise._data import check_prediction, named_overflow, warn_of_scales
from sknoise._docs import DOCS
from sknoise._fork import is_forked, use_tensorflow
from sknoise._forward import ACTIVATIONS, logits
from sknoise._interrupt import StopOnCtrlC, import_apart
from sknoise._noise import SCHEDULES
from sknoise._persistence import loaded, saved
from sknoise.parallel import current_job
from sknoise.training._spec import reason_against_compiling
from sknoise.training._types import (
    Model,
    Network,
    Optimizer,
    Progress,
    Result,
    State,
    Stop,
    Task,
)

if TYPE_CHECKING:
    import keras

    from sknoise._keras import NoisyKerasClassifier, NoisyKerasRegressor

P = ParamSpec("P")
T = TypeVar("T")

_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
# Keras's random initializers.
_INITIALIZERS = {
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "variance_scaling",
}


class BaseNoisyMLP(CallbackSupportMixin, BaseEstimator):
    """Base of the estimators; subclasses have the constructor and the public methods."""

    history_: dict[str, np.ndarray]
    n_iter_: int

    # Where scikit-learn's HTML representation links to.
    _doc_link_module = "sknoise"
    _doc_link_template = f"{DOCS}/api/generated/{{estimator_module}}.{{estimator_name}}.html"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "nodes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "noise_input": [_NOT_NEGATIVE],
        "noise_hidden": ["array-like", _NOT_NEGATIVE],
        "noise_activation": ["array-like", _NOT_NEGATIVE],
        "noise_weights": ["array-like", _NOT_NEGATIVE],
        "noise_gradient": [_NOT_NEGATIVE],
        "noise_target": [_NOT_NEGATIVE],
        "noise_distribution": [StrOptions({"gaussian", "uniform", "laplace"})],
        "noise_kind": [StrOptions({"additive", "multiplicative"})],
        "noise_schedule": [StrOptions({"constant", *SCHEDULES}), callable],
        "noise_relative": ["boolean"],
        "noise_free": ["array-like", None],
        "dropout": ["array-like", Interval(Real, 0, 1, closed="left")],
        "max_norm": [_POSITIVE, None],
        "alpha": [_NOT_NEGATIVE],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "initializer": [StrOptions(_INITIALIZERS)],
        "optimizer": [str, dict],
        "learning_rate": [_POSITIVE, dict, HasMethods(["get_config", "__call__"])],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 0, None, closed="left")],
        "min_delta": [_NOT_NEGATIVE],
        "restore_best_weights": ["boolean"],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "engine": [StrOptions({"auto", "compiled", "keras"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _loss_and_outputs(self) -> tuple[str, int]:
        """Give Keras's name of the loss, and the number of output units."""
        raise NotImplementedError

    def _example_targets(self) -> np.ndarray:
        """Give targets that tell scikeras what there is to predict."""
        raise NotImplementedError

    def _train(
        self,
        task: Task,
        deviations: np.ndarray | None,
        going_on: bool,
        X: np.ndarray,
        y: np.ndarray,
    ) -> Any:
        """Train from new weights, or from where the last call ended.

        Parameters
        ----------
        task : Task
            What ``read_task`` has read.
        deviations : ndarray of shape (n_features,) or None
            Of the features, where noise is relative to them.
        going_on : bool
        X : ndarray of shape (n_rows, n_features), dtype float32
        y : ndarray
            The targets as users gave them, for callbacks.

        Returns
        -------
        BaseNoisyMLP
            The estimator itself.
        """
        if not going_on:
            warn_of_scales(X, getattr(self, "feature_names_in_", None))
        # From here on TensorFlow is needed, and takes its seconds to import.
        use_tensorflow()
        import_apart("sknoise.training._initial")
        with StopOnCtrlC() as stop:
            result = self._train_task(task, going_on, X, y, stop)
            self._deviations = deviations
        n_epochs = len(result.history["loss"])
        validated = result.history.get("val_loss", np.zeros(0))
        if not np.isfinite(validated).all():
            epoch = int(np.argmin(np.isfinite(validated)))
            warnings.warn(
                f"val_loss was {validated[epoch]} in epoch {epoch + 1}, though loss was finite: "
                "validation data has values that are far from those of the training data.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if stop.asked:
            warnings.warn(
                f"Training was interrupted after {n_epochs} of {task.epochs} epochs. The model is "
                "as these have left it; warm_start=True goes on from there.",
                UserWarning,
                stacklevel=4,
            )
        return self

    def _train_task(
        self, task: Task, going_on: bool, X: np.ndarray, y: np.ndarray, stop: Stop
    ) -> Result:
        """Train from the first weights on, or the fitted ones, and set what was fitted."""
        from sknoise.training._initial import check_keras, initial_state

        model = task.model
        check_keras(model.optimizer)
        callbacks = fresh_keras_callbacks(self.callbacks) if self.callbacks else []
        engine = self._choose_engine(model.optimizer, callbacks)
        if going_on:
            state = self._state(model.network, model.optimizer, engine)
        else:
            state = initial_state(model.network, model.key, self.initializer)
        task = replace(task, model=replace(model, state=state))
        result, wrapper = self._run(task, engine, callbacks, X, y, stop)
        _check_finite(result, self.learning_rate)
        history = result.history
        if going_on:
            n_epochs = len(history["loss"])
            history = _joined(self.history_, self.n_iter_, history, n_epochs)
        for name, value in _attributes(replace(model, state=result.state)).items():
            setattr(self, name, value)
        self.history_ = history
        self._wrapper = wrapper
        self._engine = engine
        if self.callbacks:
            self.callbacks_ = callbacks
        elif hasattr(self, "callbacks_"):
            del self.callbacks_
        return result

    def _run(
        self,
        task: Task,
        engine: str,
        callbacks: list[keras.callbacks.Callback],
        X: np.ndarray,
        y: np.ndarray,
        stop: Stop,
    ) -> tuple[Result, NoisyKerasClassifier | NoisyKerasRegressor | None]:
        """Train; give the scikeras wrapper too, where it did the training."""
        listeners = self._sklearn_listeners(task, X, y)
        job = current_job()
        if engine == "compiled" and job is not None and not callbacks and not listeners:
            return job.scheduler.train(job, task, verbose=bool(self.verbose)), None
        with self._progress(task) as progress:
            if engine == "keras":
                return self._run_keras(task, callbacks, listeners, progress, stop)
            if callbacks:
                from sknoise._keras import make_wrapper

                wrapper = make_wrapper(task.model, self._example_targets())
                listeners.append(KerasListener(callbacks, task, wrapper.model_))
            if listeners:
                return train_by_epochs(task, listeners, progress, stop), None
            from sknoise.training._stack import train_stack

            return train_stack([task], progress, stop)[0], None

    def _run_keras(
        self,
        task: Task,
        callbacks: list[keras.callbacks.Callback],
        listeners: list[Listener],
        progress: Progress | None,
        stop: Stop,
    ) -> tuple[Result, NoisyKerasClassifier | NoisyKerasRegressor]:
        """Train by Keras's own loop."""
        from sknoise._keras import Reporter, make_wrapper, reason_against_keras

        reason = reason_against_keras(task)
        if reason is not None:
            raise ValueError(f"Keras's own loop cannot train this: {reason}.")
        relays = [as_keras_callback(listener, task.model) for listener in listeners]
        if progress is not None:
            relays.append(Reporter(task, progress))
        wrapper = make_wrapper(task.model, self._example_targets())
        return wrapper.train(task, [*callbacks, *relays], stop), wrapper

    def _progress(self, task: Task) -> AbstractContextManager[Progress | None]:
        """Give a progress bar to enter, where one is asked for."""
        if not self.verbose:
            return nullcontext()
        from sknoise.training._progress import progress_bar

        return progress_bar(task.epochs)

    def _sklearn_listeners(self, task: Task, X: np.ndarray, y: np.ndarray) -> list[Listener]:
        """Give who listens for scikit-learn's callbacks, where there are some."""
        if not hasattr(self, "_init_callback_context"):
            return []
        context = self._init_callback_context(max_subtasks=task.epochs)
        if not getattr(self, "_skl_callbacks", []):
            return []
        return [SklearnListener(self, context, X, y, _attributes)]

    def _choose_engine(
        self, optimizer: Optimizer, callbacks: list[keras.callbacks.Callback]
    ) -> str:
        """Choose the engine; tell where it is not the one that was hoped for."""
        reason = reason_against_compiling(optimizer) or reason_against_epochs(callbacks)
        if self.engine == "keras" or reason is None:
            return "keras" if self.engine == "keras" else "compiled"
        if self.engine == "compiled":
            raise ValueError(
                f"engine='compiled' cannot be used: {reason}. Use engine='keras' or another "
                f"{'callback' if callbacks else 'optimizer'}."
            )
        warnings.warn(
            f"Training by Keras's own, slower loop: {reason}. engine='keras' silences this.",
            UserWarning,
            stacklevel=6,
        )
        return "keras"

    def _state(self, network: Network, optimizer: Optimizer, engine: str) -> State:
        """Give the fitted state to go on from."""
        before = self._fitted
        if network != before.network:
            raise ValueError(
                f"Training cannot go on with another network: it was {before.network}, now it "
                f"is {network}. Keep nodes, activation, loss and classes, or start anew."
            )
        same = (optimizer, engine) == (before.optimizer, self._engine)
        return replace(
            before.state,
            weights=self._weights(),
            optimizer=before.state.optimizer if same else [],
        )

    def _weights(self) -> list[np.ndarray]:
        return [a for pair in zip(self.coefs_, self.intercepts_, strict=True) for a in pair]

    def _logits(self, X: Any) -> np.ndarray:
        """Check data and pass it through the network, without noise."""
        check_is_fitted(self, "coefs_")
        with named_overflow("X"):
            X = validate_data(self, X, dtype=np.float64, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            z = logits(X, self.coefs_, self.intercepts_, self._fitted.network.activation)
            return check_prediction(z)

    def _keras_wrapper(self) -> NoisyKerasClassifier | NoisyKerasRegressor:
        """Give the scikeras wrapper, built when first asked for."""
        check_is_fitted(self, "coefs_")
        if self._wrapper is None:
            use_tensorflow()
            from sknoise._keras import make_wrapper

            state = replace(self._fitted.state, weights=self._weights())
            model = replace(self._fitted, state=state)
            self._wrapper = make_wrapper(model, self._example_targets())
        return self._wrapper

    @property
    def model_(self) -> keras.Sequential:
        """A plain Keras model with the trained weights, built when first asked for."""
        return self._keras_wrapper().model_

    def __dir__(self) -> list[str]:
        # scikit-learn reads whatever is listed here, for its HTML representation too. Before
        # TensorFlow is imported, that must not build a Keras model; in a fork, it cannot.
        names = set(object.__dir__(self))
        if "tensorflow" not in sys.modules or is_forked():
            names -= {"keras_classifier_", "keras_regressor_", "model_"}
        return [name for name in names if hasattr(self, name)]

    def __getstate__(self) -> dict[str, Any]:
        return saved(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(loaded(state, type(self).__name__))


def unchanged_by_errors(method: Callable[P, T]) -> Callable[P, T]:
    """Have a method that raises anything leave its estimator with the attributes that it had.

    Outside of scikit-learn's decorators, which have attributes of their own to clear away.
    """

    @wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        attributes = vars(args[0])
        before = dict(attributes)
        try:
            return method(*args, **kwargs)
        except BaseException:
            for name in attributes.keys() - before.keys():
                del attributes[name]
            attributes.update(before)
            raise

    return guarded


def trains_in_parts(estimator: BaseNoisyMLP) -> bool:
    """Say whether an estimator has ``partial_fit``."""
    return not estimator.early_stopping


def _attributes(model: Model) -> dict[str, Any]:
    """Give the fitted attributes that a network makes."""
    return {
        "coefs_": model.state.weights[::2],
        "intercepts_": model.state.weights[1::2],
        "n_iter_": model.state.n_epochs,
        "_fitted": model,
    }


def _joined(
    before: dict[str, np.ndarray], n_before: int, after: dict[str, np.ndarray], n_after: int
) -> dict[str, np.ndarray]:
    """Append a history to another; NaN where only one of them has a figure."""
    return {
        key: np.concatenate(
            [before.get(key, np.full(n_before, np.nan)), after.get(key, np.full(n_after, np.nan))]
        )
        for key in (*before, *(k for k in after if k not in before))
    }


def _check_finite(result: Result, learning_rate: Any) -> None:
    """Raise a ValueError where training diverged."""
    loss = result.history["loss"]
    if np.isfinite(loss).all() and all(np.isfinite(w).all() for w in result.state.weights):
        return
    what = "the last step left weights that are not finite"
    if not np.isfinite(loss).all():
        epoch = int(np.argmin(np.isfinite(loss)))
        what = f"the loss was {loss[epoch]} in epoch {epoch + 1}"
    raise ValueError(
        f"Training diverged: {what}. Scale the features "
        "(sklearn.preprocessing.StandardScaler), or lower "
        f"learning_rate={learning_rate} or the noise."
    )
