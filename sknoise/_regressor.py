"""``NoisyMLPRegressor``, the estimator for targets that are numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from sknoise._base import BaseNoisyMLP, trains_in_parts, unchanged_by_errors
from sknoise._callbacks import with_callbacks
from sknoise._data import (
    check_prediction,
    check_targets,
    check_weights,
    named_overflow,
    named_targets,
    validation_arrays,
)
from sknoise._docs import documented
from sknoise._task import read_task
from sknoise.training._rows import normalised
from sknoise.training._types import Rows

if TYPE_CHECKING:
    import keras

    from sknoise._keras import NoisyKerasRegressor

# Keras's names.
_LOSSES = {
    "squared_error": "mean_squared_error",
    "absolute_error": "mean_absolute_error",
    "huber": "huber",
    "poisson": "poisson",
}


@documented(
    noise_target="Noise added to the targets, in the units of ``y``, anew in each step.",
    and_targets=", targets",
    alpha=(
        " scikit-learn halves the squared error: its alpha\n"
        "        shrinks as twice as much does here."
    ),
    stratified="",
    monitors='{"val_loss", "loss"}',
    targets="targets",
)
class NoisyMLPRegressor(RegressorMixin, BaseNoisyMLP):
    """Multilayer perceptron regressor that is regularised by noise.

    While it trains, fresh noise is added to the input and to what each hidden layer
    computes, before its activation; and elsewhere, if you say so. Prediction is without
    noise. The network is a Keras model; by default a whole training run is one compiled
    TensorFlow program.

    Scale the targets to a standard deviation near 1, with
    ``sklearn.compose.TransformedTargetRegressor`` for example: the initial weights and the
    learning rate suit such targets.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson"}, default="squared_error"
        What is minimised, by Keras's losses. "huber" is squared up to an error of 1 and
        absolute above. "poisson" is for counts, targets of 0 or larger: the network then
        gives the logarithm of the mean.

    %(parameters)s

    %(more_parameters)s

    Attributes
    ----------
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        ``loss`` of each epoch, and ``val_loss`` where there was validation data. As Keras
        reports them, the training loss is a mean over the steps of the epoch, *with the noise
        on*; the validation loss is computed after the epoch, without noise. Both are weighted
        means. Epochs that were trained without validation data, in a warm start, have NaN
        there.

    n_outputs_ : int
        Number of targets.

    %(attributes)s

    keras_regressor_ : scikeras.wrappers.KerasRegressor
        The fitted scikeras wrapper around ``model_``, built when first asked for. Trained
        further there, its Keras optimizer starts anew.

    See Also
    --------
    NoisyMLPClassifier : The same for classes.
    sklearn.neural_network.MLPRegressor : scikit-learn's perceptron, without noise.

    Notes
    -----
    %(notes)s

    References
    ----------
    %(references)s

    Examples
    --------
    >>> import numpy as np
    >>> from sknoise import NoisyMLPRegressor
    >>> X = np.linspace(-3, 3, 60)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> reg = NoisyMLPRegressor(50, learning_rate=0.01, random_state=0).fit(X, y)
    >>> bool(reg.score(X, y) > 0.9)
    True
    """

    n_outputs_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNoisyMLP._parameter_constraints,
        "loss": [StrOptions(set(_LOSSES))],
        "monitor": [StrOptions({"val_loss", "loss"})],
    }

    def __init__(
        self,
        nodes: int | Sequence[int] = 400,
        *,
        loss: str = "squared_error",
        noise_input: float = 0.1,
        noise_hidden: float | Sequence[float] = 0.1,
        noise_activation: float | Sequence[float] = 0.0,
        noise_weights: float | Sequence[float] = 0.0,
        noise_gradient: float = 0.0,
        noise_target: float = 0.0,
        noise_distribution: str = "gaussian",
        noise_kind: str = "additive",
        noise_schedule: str | Callable[[float], float] = "constant",
        noise_relative: bool = False,
        noise_free: Sequence[Any] | None = None,
        dropout: float | Sequence[float] = 0.0,
        max_norm: float | None = None,
        alpha: float = 0.0,
        activation: str = "relu",
        initializer: str = "glorot_uniform",
        optimizer: str | dict[str, Any] = "adam",
        learning_rate: Any = 0.001,
        epochs: int = 200,
        batch_size: int | str | None = "auto",
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best_weights: bool = True,
        warm_start: bool = False,
        callbacks: list[keras.callbacks.Callback] | None = None,
        engine: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.nodes = nodes
        self.loss = loss
        self.noise_input = noise_input
        self.noise_hidden = noise_hidden
        self.noise_activation = noise_activation
        self.noise_weights = noise_weights
        self.noise_gradient = noise_gradient
        self.noise_target = noise_target
        self.noise_distribution = noise_distribution
        self.noise_kind = noise_kind
        self.noise_schedule = noise_schedule
        self.noise_relative = noise_relative
        self.noise_free = noise_free
        self.dropout = dropout
        self.max_norm = max_norm
        self.alpha = alpha
        self.activation = activation
        self.initializer = initializer
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.restore_best_weights = restore_best_weights
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_by_errors
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> NoisyMLPRegressor:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, 0 or larger. But for ``alpha``, only their ratios matter.
        X_val : array-like of shape (n_val, n_features) or None, default=None
            Validation data, for ``history_`` and early stopping; without that, it does not
            change the training.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), or None, default=None
            Targets of the validation data.
        sample_weight_val : array-like of shape (n_val,) or None, default=None
            Weights of the validation data.

        Returns
        -------
        NoisyMLPRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used, before any training; or if the loss
            does not stay finite.
        TypeError
            If ``X`` is sparse, or one of ``callbacks`` is no Keras callback.
        """
        going_on = self.warm_start and hasattr(self, "coefs_")
        X, y = self._checked(X, y, going_on)
        validation = None
        arrays = validation_arrays(self, X_val, y_val, sample_weight_val)
        if arrays is not None:
            targets = self._checked_targets("y_val", arrays[1])
            if targets.ndim != y.ndim or targets.shape[1:] != y.shape[1:]:
                raise ValueError(f"y_val has the shape {targets.shape}, but y has {y.shape}.")
            columns = targets.reshape(len(targets), -1)
            validation = Rows(arrays[0], columns, normalised(arrays[2]))
        return self._fit(X, y, sample_weight, validation, self.epochs, going_on)

    @available_if(trains_in_parts)
    @unchanged_by_errors
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NoisyMLPRegressor:
        """Train for one epoch on the given data, from where the last call ended.

        Not there with ``early_stopping=True``, which needs more than one epoch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, 0 or larger.

        Returns
        -------
        NoisyMLPRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            As in ``fit``.
        """
        going_on = hasattr(self, "coefs_")
        X, y = self._checked(X, y, going_on)
        return self._fit(X, y, sample_weight, None, 1, going_on)

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), dtype float64
            In the shape of the ``y`` of ``fit``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; or if the prediction
            is not, because ``X`` is too far from what the network was trained on.
        """
        out = self._logits(X)
        if self._fitted.network.output == "exponential":
            with np.errstate(over="ignore"):
                check_prediction(np.exp(out, out=out))
        return out[:, 0] if self._flat else out

    @property
    def keras_regressor_(self) -> NoisyKerasRegressor:
        """The fitted scikeras wrapper around ``model_``, built when first asked for."""
        return self._keras_wrapper()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _checked(self, X: Any, y: Any, going_on: bool) -> tuple[np.ndarray, np.ndarray]:
        """Check data."""
        options = {"reset": not going_on, "multi_output": True, "y_numeric": True}
        with named_overflow("X or y"), named_targets("y", y):
            X, y = validate_data(self, X, y, dtype=np.float32, **options)
        return X, self._checked_targets("y", y)

    def _checked_targets(self, name: str, y: Any) -> np.ndarray:
        y = check_targets(name, y)
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError(f"{name} has {y.min()}; loss='poisson' needs targets of 0 or larger.")
        return y

    def _fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: Any,
        validation: Rows | None,
        epochs: int,
        going_on: bool,
    ) -> NoisyMLPRegressor:
        """Train on checked data, from new weights or from where the last call ended."""
        weight = check_weights("sample_weight", sample_weight, len(X))
        columns = y.reshape(len(y), -1)
        self._flat = y.ndim == 1
        self.n_outputs_ = columns.shape[1]
        what = read_task(self, X, columns, weight, validation, int(epochs), going_on)
        return self._train(*what, going_on, X, y)

    def _loss_and_outputs(self) -> tuple[str, int]:
        return _LOSSES[self.loss], self.n_outputs_

    def _example_targets(self) -> np.ndarray:
        return np.zeros(2 if self._flat else (2, self.n_outputs_))
