"""What the estimators share: from checked data to a task, an engine, and fitted attributes."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sknoise._data import check_weights, class_weighted, encode
from sknoise._forward import ACTIVATIONS, logits
from sknoise._parameters import layer_widths, noise_levels, read_optimizer, rows_in_a_step
from sknoise.parallel import current_job
from sknoise.training._rows import distinct_rows, rows_as_given
from sknoise.training._spec import reason_against_compiling
from sknoise.training._types import Model, Network, Optimizer, Result, Rows, State, Task

if TYPE_CHECKING:
    import keras

    from sknoise._keras import NoisyKerasClassifier


class BaseNoisyMLP(BaseEstimator):
    """Base of the estimators; subclasses have the constructor and the public methods."""

    classes_: np.ndarray
    history_: dict[str, np.ndarray]
    n_iter_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "nodes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "noise_input": [Interval(Real, 0, None, closed="left")],
        "noise_hidden": ["array-like", Interval(Real, 0, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "optimizer": [str, dict],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "shuffle": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "engine": [StrOptions({"auto", "compiled", "keras"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _train(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: Any,
        validation: Rows | None,
        epochs: int,
        going_on: bool,
    ) -> BaseNoisyMLP:
        """Train on checked data, from new weights or from where the last call ended.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), dtype float32
        y : ndarray of shape (n_rows,)
            Labels.
        sample_weight : array-like of shape (n_rows,) or None
        validation : Rows or None
        epochs : int
        going_on : bool

        Returns
        -------
        BaseNoisyMLP
            The estimator itself.
        """
        weight = check_weights("sample_weight", sample_weight, len(X))
        labels = encode("y", y, self.classes_)
        weight = class_weighted(self.class_weight, labels, weight, self.classes_)
        network, noise = self._read_network()
        optimizer = read_optimizer(self.optimizer)
        shuffle = bool(self.shuffle)
        data = distinct_rows(X, labels, weight)
        batch_size = rows_in_a_step(self.batch_size, len(data))
        if not shuffle and len(data) > batch_size:
            data = rows_as_given(X, labels, weight)

        # From here on TensorFlow is needed, and takes its seconds to import.
        from sknoise.training._initial import check_keras, initial_state

        check_keras(optimizer)
        engine = self._choose_engine(optimizer)
        if going_on:
            key, state = self._fitted.key, self._state(network, optimizer, engine)
        else:
            key = _draw_key(self.random_state)
            state = initial_state(network, key)
        model = Model(network, optimizer, float(self.learning_rate), noise, key, state)
        task = Task(model, data, validation, batch_size, shuffle, int(epochs))
        result, wrapper = self._run(task, engine)
        _check_finite(result, self.learning_rate)
        self._keep(task, result, wrapper, going_on)
        self._engine = engine
        return self

    def _read_network(self) -> tuple[Network, tuple[float, ...]]:
        """Read the parameters that describe the network, and the noise at each site."""
        widths = layer_widths(self.nodes)
        noise_input = noise_levels("noise_input", self.noise_input, 1)
        noise_hidden = noise_levels("noise_hidden", self.noise_hidden, len(widths))
        # One unit is enough for two classes, and needed for one.
        n_outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        network = Network(
            sizes=(self.n_features_in_, *widths, n_outputs),
            activation=self.activation,
            output="sigmoid" if len(self.classes_) == 2 else "softmax",
        )
        return network, noise_input + noise_hidden

    def _run(self, task: Task, engine: str) -> tuple[Result, NoisyKerasClassifier | None]:
        """Train; give the scikeras wrapper too, where it did the training."""
        job = current_job()
        if engine == "compiled" and job is not None:
            return job.scheduler.train(job, task, verbose=bool(self.verbose)), None
        progress = None
        if self.verbose:
            from sknoise.training._progress import progress_bar

            progress = progress_bar(task.epochs)
        if engine == "keras":
            from sknoise._keras import make_wrapper

            wrapper = make_wrapper(task.model, self.classes_)
            return wrapper.train(task, progress), wrapper
        from sknoise.training._stack import train_stack

        return train_stack([task], progress)[0], None

    def _choose_engine(self, optimizer: Optimizer) -> str:
        """Choose the engine; tell where it is not the one that was hoped for."""
        reason = reason_against_compiling(optimizer)
        if self.engine == "keras" or reason is None:
            return "keras" if self.engine == "keras" else "compiled"
        if self.engine == "compiled":
            raise ValueError(
                f"engine='compiled' cannot be used: {reason}. Use engine='keras' or another "
                "optimizer."
            )
        warnings.warn(
            f"Training by Keras's own, slower loop: {reason}. engine='keras' silences this.",
            UserWarning,
            stacklevel=5,
        )
        return "keras"

    def _state(self, network: Network, optimizer: Optimizer, engine: str) -> State:
        """Give the fitted state to go on from."""
        before = self._fitted
        if network != before.network:
            raise ValueError(
                f"Training cannot go on with another network: it was {before.network}, now it "
                f"is {network}. Keep nodes, activation and classes, or start anew."
            )
        same = (optimizer, engine) == (before.optimizer, self._engine)
        return replace(
            before.state,
            weights=self._weights(),
            optimizer=before.state.optimizer if same else [],
        )

    def _keep(
        self, task: Task, result: Result, wrapper: NoisyKerasClassifier | None, going_on: bool
    ) -> None:
        """Set the fitted attributes."""
        history = result.history
        if going_on:
            history = _joined(self.history_, self.n_iter_, history, task.epochs)
        self.coefs_ = result.state.weights[::2]
        self.intercepts_ = result.state.weights[1::2]
        self.n_iter_ = result.state.n_epochs
        self.history_ = history
        self._fitted = replace(task.model, state=result.state)
        self._wrapper = wrapper

    def _weights(self) -> list[np.ndarray]:
        return [a for pair in zip(self.coefs_, self.intercepts_, strict=True) for a in pair]

    def _logits(self, X: Any) -> np.ndarray:
        """Check data and pass it through the network, without noise."""
        check_is_fitted(self, "coefs_")
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return logits(X, self.coefs_, self.intercepts_, self._fitted.network.activation)

    @property
    def keras_classifier_(self) -> NoisyKerasClassifier:
        """The fitted scikeras wrapper around ``model_``, built when first asked for."""
        check_is_fitted(self, "coefs_")
        if self._wrapper is None:
            from sknoise._keras import make_wrapper

            state = replace(self._fitted.state, weights=self._weights())
            self._wrapper = make_wrapper(replace(self._fitted, state=state), self.classes_)
        return self._wrapper

    @property
    def model_(self) -> keras.Sequential:
        """A plain Keras model with the trained weights, built when first asked for."""
        return self.keras_classifier_.model_

    def __dir__(self) -> list[str]:
        # scikit-learn reads whatever is listed here, for its HTML representation too. Before
        # TensorFlow is imported, that must not build a Keras model.
        lazy = set() if "tensorflow" in sys.modules else {"keras_classifier_", "model_"}
        return [name for name in set(object.__dir__(self)) - lazy if hasattr(self, name)]

    def __getstate__(self) -> dict[str, Any]:
        # Built again when asked for, the Keras objects need not be in a pickle: it then
        # loads and predicts without TensorFlow.
        state: dict[str, Any] = super().__getstate__()
        return state | {"_wrapper": None} if "_wrapper" in state else state


def _draw_key(random_state: int | np.random.RandomState | None) -> int:
    """Turn a random state into the 64-bit key of a network."""
    if random_state is None:
        # Not NumPy's global state, which check_random_state would give: fitting must leave
        # all global random state alone.
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    return int(check_random_state(random_state).randint(2**64, dtype=np.uint64))


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


def _check_finite(result: Result, learning_rate: float) -> None:
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
