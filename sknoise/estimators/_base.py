"""What the estimators share: from a task to an engine, and to fitted attributes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sknoise.engines import (
    ENGINES,
    Before,
    Order,
    StopOnCtrlC,
    Trained,
    is_forked,
    prepare,
    train,
    wrapped,
)
from sknoise.estimators._callbacks import CallbackSupportMixin, sklearn_listeners
from sknoise.estimators._outcome import check_finite, warn_of_outcome
from sknoise.estimators._persistence import loaded, saved
from sknoise.estimators._prediction import ACTIVATIONS, check_prediction, logits
from sknoise.tasks import SCHEDULES, Measured, named_overflow, warn_of_scales
from sknoise.training._types import Model, Task

if TYPE_CHECKING:
    import keras

    from sknoise.keras._wrapper import NoisyKerasClassifier, NoisyKerasRegressor

P = ParamSpec("P")
T = TypeVar("T")

_DOCS = "https://sknoise.readthedocs.io/en/stable"
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_AUTO = StrOptions({"auto"})
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
    unexplained_: float | None

    # Steps on 400 rows, where epochs="auto"; benchmarks/real has the evidence.
    _usual_steps: ClassVar[int]

    # Where scikit-learn's HTML representation links to.
    _doc_link_module = "sknoise"
    _doc_link_template = f"{_DOCS}/api/generated/sknoise.{{estimator_name}}.html"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "nodes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "noise_input": [_NOT_NEGATIVE, _AUTO],
        "noise_hidden": ["array-like", _NOT_NEGATIVE, _AUTO],
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
        "alpha": [_NOT_NEGATIVE, _AUTO],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "initializer": [StrOptions(_INITIALIZERS)],
        "optimizer": [str, dict],
        "learning_rate": [_POSITIVE, dict, HasMethods(["get_config", "__call__"])],
        "epochs": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "batch_size": [Interval(Integral, 1, None, closed="left"), _AUTO, None],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 0, None, closed="left")],
        "min_delta": [_NOT_NEGATIVE],
        "restore_best_weights": ["boolean"],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "engine": [StrOptions({"auto", *ENGINES})],
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
        measured: Measured,
        going_on: bool,
        X: np.ndarray,
        y: np.ndarray,
    ) -> Any:
        """Train from new weights, or from where the last call ended.

        Parameters
        ----------
        task : Task
            What ``read_task`` has read.
        measured : Measured
            What ``read_task`` has measured.
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
        order = Order(
            task,
            self.engine,
            self._before() if going_on else None,
            self.initializer,
            self.callbacks,
            partial(sklearn_listeners, self, X, y, _attributes),
            self._example_targets(),
            bool(self.verbose),
        )
        # From here on TensorFlow is needed, and takes its seconds to import.
        prepare()
        with StopOnCtrlC() as stop:
            trained = train(order, stop)
            check_finite(trained, self.learning_rate)
            self._set_fitted(trained, going_on)
            self._deviations = measured.deviations
            self.unexplained_ = measured.unexplained
        warn_of_outcome(trained, task.epochs, stop.asked)
        return self

    def _before(self) -> Before:
        """Give what training goes on from."""
        return Before(self._fitted.with_own_weights(self._weights()), self._engine)

    def _set_fitted(self, trained: Trained, going_on: bool) -> None:
        """Set the fitted attributes, all that training has to do with."""
        history = trained.history
        if going_on:
            n_epochs = len(history["loss"])
            history = _joined(self.history_, self.n_iter_, history, n_epochs)
        for name, value in _attributes(trained.model).items():
            setattr(self, name, value)
        self.history_ = history
        # One that was trained on standardised targets is for nobody.
        self._wrapper = trained.wrapper if trained.model.units is None else None
        self._engine = trained.engine
        if self.callbacks:
            self.callbacks_ = trained.callbacks
        elif hasattr(self, "callbacks_"):
            del self.callbacks_

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
            state = replace(self._fitted.state, weights=self._weights())
            model = replace(self._fitted, state=state)
            self._wrapper = wrapped(model, self._example_targets())
        return self._wrapper

    @property
    def model_(self) -> keras.Sequential:
        """A plain Keras model with the trained weights, built when first asked for.

        Returns
        -------
        keras.Sequential
            Compiled; the noise is in layers that act in training only. The same at each
            access, until the next fit.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        RuntimeError
            If this process was forked from one that had trained before.
        """
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
    weights = model.own_weights
    return {
        "coefs_": weights[::2],
        "intercepts_": weights[1::2],
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
