"""What the estimators share: from a task to an engine, and to fitted attributes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from numbers import Integral, Real
from typing import Any, ClassVar, ParamSpec, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from sknoise.engines import (
    ENGINES,
    Before,
    Order,
    StopOnCtrlC,
    Trained,
    is_forked,
    prepare,
    train,
)
from sknoise.estimators._callbacks import CallbackSupportMixin, PassedOn, sklearn_listeners
from sknoise.estimators._fitted import FittedMixin
from sknoise.estimators._outcome import check_finite, warn_of_outcome
from sknoise.estimators._persistence import loaded, saved
from sknoise.estimators._prediction import ACTIVATIONS
from sknoise.tasks import SCHEDULES, Measured, warn_of_scales
from sknoise.training._types import Model, Rows, Task

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


class BaseNoisyMLP(CallbackSupportMixin, FittedMixin, BaseEstimator):
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
        "patience": [Interval(Integral, 0, None, closed="left"), Options(Real, {np.inf})],
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

    def _read(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: Any,
        validation: Rows | None,
        epochs: int | str,
        going_on: bool,
    ) -> tuple[Task, Measured]:
        """Read parameters and checked data into a task."""
        raise NotImplementedError

    def _fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: Any,
        validation: Rows | None,
        epochs: int | str,
        going_on: bool,
    ) -> Any:
        """Train on checked data, from new weights or from where the last call ended."""
        read = self._read(X, y, sample_weight, validation, epochs, going_on)
        return self._train(*read, going_on, X, y)

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
        order = self._order(task, going_on, X, y)
        # From here on Keras and its backend are needed, and take their seconds to import.
        prepare()
        with StopOnCtrlC() as stop:
            trained = train(order, stop)
            check_finite(trained, self.learning_rate)
            self._set_fitted(trained, measured, going_on)
        warn_of_outcome(trained, task.epochs, stop.asked)
        return self

    def _order(self, task: Task, going_on: bool, X: np.ndarray, y: np.ndarray) -> Order:
        """Give what to ask an engine for; parameters as in ``_train``."""
        return Order(
            task,
            self.engine,
            self._before() if going_on else None,
            self.initializer,
            self.callbacks,
            partial(sklearn_listeners, self, X, y, _attributes),
            self._example_targets(),
            bool(self.verbose),
        )

    def _before(self) -> Before:
        """Give what training goes on from."""
        return Before(self._fitted.with_own_weights(self._weights()), self._engine)

    def _set_fitted(self, trained: Trained, measured: Measured, going_on: bool) -> None:
        """Set the fitted attributes, all that training has to do with."""
        self._deviations = measured.deviations
        self.unexplained_ = measured.unexplained
        history = trained.history
        if going_on:
            n_epochs = len(history["loss"])
            history = _joined(self.history_, self.n_iter_, history, n_epochs)
        for name, value in _attributes(trained.model).items():
            setattr(self, name, value)
        self.history_ = history
        # One that was trained on standardised targets is for nobody.
        self._keep(trained.wrapper if trained.model.units is None else None)
        self._engine = trained.engine
        if self.callbacks:
            self.callbacks_ = trained.callbacks
        elif hasattr(self, "callbacks_"):
            del self.callbacks_

    def __dir__(self) -> list[str]:
        # scikit-learn reads whatever is listed here, for its HTML representation too. Before
        # Keras is imported, that must not build one of its models; in a fork, it cannot.
        names = set(object.__dir__(self))
        if "keras" not in sys.modules or is_forked():
            names -= {"keras_classifier_", "keras_regressor_", "model_"}
        return [name for name in names if hasattr(self, name)]

    def __sklearn_clone__(self) -> Any:
        # With all that clone checks; it asks parameters too how they are cloned.
        same = object.__new__(type(self))
        same.__dict__.update(vars(self), callbacks=PassedOn(self.callbacks))
        return super(BaseNoisyMLP, same).__sklearn_clone__()

    def __getstate__(self) -> dict[str, Any]:
        return saved(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(loaded(state, type(self).__name__))


def unchanged_by_errors(method: Callable[P, T]) -> Callable[P, T]:
    """Have a method that raises anything leave its estimator with the attributes that it had.

    Outside of scikit-learn's decorators, which have attributes of their own to clear away. In the
    method, NumPy treats floating-point errors as it does by default: with those of users' it could
    raise some that do no harm.
    """

    @wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        attributes = vars(args[0])
        before = dict(attributes)
        try:
            with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
                return method(*args, **kwargs)
        except BaseException:
            for name in attributes.keys() - before.keys():
                del attributes[name]
            attributes.update(before)
            raise

    return guarded


def trains_in_parts(estimator: BaseNoisyMLP) -> bool:
    """Say whether an estimator has ``partial_fit``; why not, in an error, as scikit-learn does."""
    if estimator.early_stopping:
        raise AttributeError(
            "partial_fit trains for one epoch, and early_stopping=True needs more to compare: set "
            "early_stopping=False, or call fit."
        )
    return True


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
