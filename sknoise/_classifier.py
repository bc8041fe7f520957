"""``NoisyMLPClassifier``, the estimator: labels in, probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import validate_data

from sknoise._base import BaseNoisyMLP
from sknoise._data import check_labels, validation_rows
from sknoise._forward import log_probabilities, probabilities


class NoisyMLPClassifier(ClassifierMixin, BaseNoisyMLP):
    """Multilayer perceptron classifier that is regularised by Gaussian noise.

    While it trains, fresh noise is added to the input and to what each hidden layer
    computes, before its activation. Prediction is without noise. The network is a Keras
    model; by default a whole training run is one compiled TensorFlow program.

    Parameters
    ----------
    nodes : int or sequence of int, default=400
        Number of units of the hidden layer, or of each of several hidden layers.

    noise_input : float, default=0.1
        Standard deviation of the noise on the input, in the units of ``X``; 0 is off.
        Scale the features first, or one level cannot suit them all.

    noise_hidden : float or sequence of float, default=0.1
        Standard deviation of the noise on the hidden layers, before the activation; one
        number for all, or one for each layer; 0 is off.

    activation : str, default="relu"
        Activation of the hidden layers, by Keras's name.

    optimizer : str or dict, default="adam"
        Any Keras optimizer by its name, or with arguments as Keras serialises it:
        ``{"class_name": "SGD", "config": {"momentum": 0.9}}``.

    learning_rate : float, default=0.001
        Learning rate of the optimizer.

    epochs : int, default=200
        Number of passes over the training data.

    batch_size : int, "auto" or None, default="auto"
        Number of distinct rows in a step of the optimizer; a step takes all rows where
        there are fewer. "auto" is the power of two nearest to a sixteenth of the rows, at
        least 4 and at most 256; None is all rows.

    shuffle : bool, default=True
        Whether each epoch splits the rows into new minibatches. If False, the minibatches
        follow the order of the rows.

    class_weight : dict, "balanced" or None, default=None
        Weights of the classes as ``{label: weight}``, 1 where none is given. "balanced"
        gives all classes the same total weight, sample weights counted in.

    warm_start : bool, default=False
        Whether ``fit`` goes on from where the last call ended, optimizer and noise
        included: twice 100 epochs are 200 epochs, to the last bit. With another optimizer
        or engine than the last time, the optimizer starts anew.

    engine : {"auto", "compiled", "keras"}, default="auto"
        "compiled" trains in one compiled program, "keras" by Keras's own loop with Keras's
        own noise layers, some hundred times slower on small data. "auto" takes "compiled"
        where it can, and otherwise warns and takes "keras".

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, noise and minibatches. An int gives the same model at
        every fit. None takes fresh entropy from the operating system, so that fitting
        leaves NumPy's global state alone.

    verbose : int, default=0
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features; only where all of them are strings.

    n_iter_ : int
        Number of epochs done.

    history_ : dict of str to ndarray of shape (n_iter_,)
        ``loss`` and ``accuracy`` of each epoch, and ``val_loss`` and ``val_accuracy`` where
        validation data was given. As Keras reports them, the training figures are means
        over the steps of the epoch, *with the noise on*; the validation figures are
        computed after the epoch, without noise. All are weighted means. Epochs that were
        trained without validation data, in a warm start, have NaN there.

    coefs_ : list of ndarray of shape (n_inputs, n_units), dtype float32
        Kernel of each layer.

    intercepts_ : list of ndarray of shape (n_units,), dtype float32
        Bias of each layer.

    model_ : keras.Sequential
        A plain Keras model with the trained weights, built when first asked for.

    keras_classifier_ : scikeras.wrappers.KerasClassifier
        The fitted scikeras wrapper around ``model_``, built when first asked for. Trained
        further there, its Keras optimizer starts anew.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : scikit-learn's perceptron, without noise.

    Notes
    -----
    Two classes give one output unit with a sigmoid and binary cross-entropy, more give a
    softmax and categorical cross-entropy. Training is in float32, prediction in float64.

    Every draw of the noise is a pure function of the network's key, the site, the step,
    the content of the row and the unit. So equal rows with equal labels get equal noise,
    and train as one row of their summed weight: a row of weight 2 is exactly that row
    twice, and the order of the rows does not matter. Data full of duplicates therefore
    takes fewer, heavier steps in an epoch. With ``shuffle=False`` and minibatches the rows
    stay in the order given, and duplicates apart.

    Under ``joblib.parallel_config(backend="sknoise")`` the fits of a search, of a
    cross-validation or of an ensemble train together, in a fraction of the time.

    References
    ----------
    Bishop (1995), "Training with noise is equivalent to Tikhonov regularization",
    Neural Computation 7(1), 108-116.

    Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
    SC '11.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sklearn.model_selection import train_test_split
    >>> from sknoise import NoisyMLPClassifier
    >>> X, y = make_circles(n_samples=100, noise=0.1, factor=0.5, random_state=1)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=42)
    >>> clf = NoisyMLPClassifier(epochs=200, random_state=0).fit(X_train, y_train)
    >>> clf.predict_proba(X_test).shape
    (25, 2)
    >>> bool(clf.score(X_test, y_test) > 0.8)
    True
    """

    def __init__(
        self,
        nodes: int | Sequence[int] = 400,
        *,
        noise_input: float = 0.1,
        noise_hidden: float | Sequence[float] = 0.1,
        activation: str = "relu",
        optimizer: str | dict[str, Any] = "adam",
        learning_rate: float = 0.001,
        epochs: int = 200,
        batch_size: int | str | None = "auto",
        shuffle: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        warm_start: bool = False,
        engine: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.nodes = nodes
        self.noise_input = noise_input
        self.noise_hidden = noise_hidden
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

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
    ) -> NoisyMLPClassifier:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,)
            Class labels of any type. A single class is allowed, and is what will be
            predicted.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, 0 or larger. Only their ratios matter.
        X_val : array-like of shape (n_val, n_features) or None, default=None
            Validation data, for ``history_`` alone: it does not change the training.
        y_val : array-like of shape (n_val,) or None, default=None
            Class labels of the validation data.
        sample_weight_val : array-like of shape (n_val,) or None, default=None
            Weights of the validation data.

        Returns
        -------
        NoisyMLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used, before any training; or if the loss
            does not stay finite.
        TypeError
            If ``X`` is sparse.
        """
        going_on = self.warm_start and hasattr(self, "coefs_")
        X, y = validate_data(self, X, y, dtype=np.float32, reset=not going_on)
        y = check_labels(y)
        classes = np.unique(y)
        if going_on:
            if not np.array_equal(classes, self.classes_):
                raise ValueError(
                    "warm_start=True needs the classes of the last call to fit, "
                    f"{self.classes_}, but y has {classes}."
                )
        else:
            self.classes_ = classes
        validation = validation_rows(self, X_val, y_val, sample_weight_val, classes)
        return self._train(X, y, sample_weight, validation, self.epochs, going_on)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NoisyMLPClassifier:
        """Train for one epoch on the given data, from where the last call ended.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that will ever occur; needed at the first call.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, 0 or larger.

        Returns
        -------
        NoisyMLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            As in ``fit``; or if classes are missing at the first call, or others later.
        """
        going_on = hasattr(self, "coefs_")
        X, y = validate_data(self, X, y, dtype=np.float32, reset=not going_on)
        y = check_labels(y)
        _check_partial_fit_first_call(self, classes)
        return self._train(X, y, sample_weight, None, 1, going_on)

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As in ``predict``.
        """
        return probabilities(self._logits(X), self._fitted.network.output)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Finite also where the probability rounds to 0.

        Raises
        ------
        NotFittedError, ValueError
            As in ``predict``.
        """
        return log_probabilities(self._logits(X), self._fitted.network.output)
