"""``NoisyMLPClassifier``, the estimator: labels in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import validate_data

from sknoise.estimators._base import BaseNoisyMLP, trains_in_parts, unchanged_by_errors
from sknoise.estimators._callbacks import with_callbacks
from sknoise.estimators._prediction import log_probabilities, probabilities
from sknoise.tasks import (
    Measured,
    check_collected,
    check_indicators,
    check_labels,
    check_weights,
    class_weighted,
    encode,
    named_overflow,
    named_targets,
    read_task,
    validation_rows,
    warn_of_one_hot,
)
from sknoise.training._types import Rows, Task

if TYPE_CHECKING:
    import keras

    from sknoise.keras._wrapper import NoisyKerasClassifier


class NoisyMLPClassifier(ClassifierMixin, BaseNoisyMLP):
    """Multilayer perceptron classifier that is regularised by noise.

    While it trains, fresh noise is added to the input and to what each hidden layer
    computes, before its activation; and elsewhere, if you say so. Prediction is without
    noise. The network is a Keras model; by default a whole training run is one compiled
    program, on TensorFlow or on JAX.

    Parameters
    ----------
    nodes : int or sequence of int, default=400
        Number of units of the hidden layer, or of each of several hidden layers; 1 or larger.

    noise_input : float or "auto", default="auto"
        Noise on the input [1]_. Like all noise levels a standard deviation, here in the units of
        ``X``, 0 or larger; 0 is off. Scale the features first, or one level cannot suit them
        all; or see ``noise_relative``. "auto" is 0.2 times the square of ``unexplained_``.

    noise_hidden : float, sequence of float or "auto", default="auto"
        Noise on the hidden layers, before the activation [2]_, in the units of what is computed
        there; one number for all, or one for each layer. "auto" is 0.03 times the square of
        ``unexplained_``.

    noise_activation : float or sequence of float, default=0
        Noise on the hidden layers, after the activation [2]_; one number for all, or one for
        each layer.

    noise_weights : float or sequence of float, default=0
        Noise on the kernels, drawn once for each step [3]_; one number for all, or one for each
        hidden layer and the output.

    noise_gradient : float, default=0
        Noise on the gradient of all weights: Gaussian, added, and falling with the number t of
        the steps done as (1 + t) ** -0.275 [4]_.

    noise_target : float, default=0
        Probability, from 0 to 1, that a row's label is drawn anew, uniformly from all classes,
        in each step [7]_. On average over the draws this is label smoothing of the same
        strength; with several labels a row, each is replaced by the toss of a coin.

    noise_distribution : {"gaussian", "uniform", "laplace"}, default="gaussian"
        Distribution of the noise on input, layers and kernels, at the same
        standard deviation.

    noise_kind : {"additive", "multiplicative"}, default="additive"
        Whether noise z is added to a value x of input, layers and kernels, or turns it into
        x (1 + z): then levels are fractions of the values, without a unit.

    noise_schedule : {"constant", "linear", "cosine"} or callable, default="constant"
        What multiplies all noise but the gradient's and dropout in each epoch: 1; from 1 down
        towards 0 in a line, or along half a cosine; or what the callable gives for the
        fraction of the epochs done, from 0 to below 1: a finite number, 0 or larger.

    noise_relative : bool, default=False
        Whether ``noise_input`` is in units of each feature's weighted standard deviation in
        the training data. Only for additive noise.

    noise_free : array-like of bool, int or str, or None, default=None
        Features whose input gets no noise, one-hot columns for example: a mask of shape
        (n_features,), their numbers from 0 on, or their names. None is no such feature.

    dropout : float or sequence of float, default=0
        Fraction of the units of the hidden layers, after the activation, that each row drops
        in each step [5]_, below 1; the others are scaled up by as much. One number for all, or
        one for each layer.

    max_norm : float or None, default=None
        Bound of the Euclidean norm of each unit's incoming weights, output included, as
        Keras's ``MaxNorm`` keeps it after each step [5]_; above 0. None is no bound.

    alpha : float or "auto", default="auto"
        Strength, 0 or larger, of the L2 penalty on all kernels, as in scikit-learn's perceptron:
        the mean loss gets alpha / (2 n) times the sum of all squared weights, where n is the
        number of rows in a step; as there, their weight if ``sample_weight`` is given. A last,
        smaller minibatch has the same n here. With several labels a row the loss is their mean
        here, and their sum in scikit-learn: its alpha shrinks as alpha divided by the number of
        labels does here. ``history_`` is without the penalty. "auto" is 0.6 times the square of
        ``unexplained_``, and n the number of rows whatever their weight.

    activation : str, default="relu"
        Activation of the hidden layers, by Keras's name: "elu", "exponential", "gelu",
        "hard_sigmoid", "hard_silu", "hard_swish", "leaky_relu", "linear", "mish", "relu",
        "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "swish" or "tanh".

    initializer : str, default="glorot_uniform"
        Initializer of the kernels, by Keras's name: "glorot_normal", "glorot_uniform",
        "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal",
        "random_normal", "random_uniform", "truncated_normal" or "variance_scaling". Biases
        start at 0.

    optimizer : str or dict, default="adam"
        Any Keras optimizer by its name, or with arguments as Keras serialises it:
        ``{"class_name": "SGD", "config": {"momentum": 0.9}}``.

    learning_rate : float, LearningRateSchedule or dict, default=0.001
        Learning rate of the optimizer: a number above 0; or one of
        ``keras.optimizers.schedules``, as an object or as Keras serialises it. Schedules count
        steps, not epochs.

    epochs : int or "auto", default="auto"
        Number of passes over the training data, 1 or larger; the most of them if
        ``early_stopping``. "auto" is as many as make about 1000 (n / 400) ** (1 / 3) steps of
        the optimizer on n rows, 790 on 200 and 2,900 on 10,000: the fits of a search, on parts
        of the rows, are then about as long as the one on all of them.

    batch_size : int, "auto" or None, default="auto"
        Number of distinct rows in a step of the optimizer, 1 or larger; a step takes all rows
        where there are fewer. "auto" is about a sixteenth of the rows, at least 4 and at most
        256; None is all rows.

    shuffle : bool, default=True
        Whether each epoch splits the rows into new minibatches. If False, the minibatches
        follow the order of the rows.

    early_stopping : bool, default=False
        Whether to stop when ``monitor`` has not improved by more than ``min_delta`` for
        ``patience`` epochs.

    validation_fraction : float, default=0.1
        Fraction of the training rows, the same of each class, that is held out to
        validate on, if ``early_stopping`` needs validation data and ``X_val`` is not given;
        above 0 and below 1. Which rows follows from their content and ``random_state``, not
        from their order. Of a row given 1 / (2 ``validation_fraction``) times or more, 5 by
        default, copies are held out one by one; fewer stay together. Where all sample weights are
        whole numbers, weight 2 is a row given twice; else no weight is.

    monitor : {"val_loss", "val_accuracy", "loss", "accuracy"}, default="val_loss"
        Figure of ``history_`` that early stopping watches.

    patience : int or numpy.inf, default=10
        Number of epochs without improvement after which training stops, 0 or larger; 0 is as 1,
        and infinity is never.

    min_delta : float, default=0
        What an improvement must exceed, in the units of ``monitor``; 0 or larger.

    restore_best_weights : bool, default=True
        Whether early stopping ends with the weights of the best epoch.

    class_weight : dict, "balanced" or None, default=None
        Weights of the classes as ``{label: weight}``, 1 where none is given; labels that are not
        in ``y`` count for nothing. In ensembles that encode the labels, as ``VotingClassifier``,
        ``StackingClassifier`` and ``BaggingClassifier`` do, they are 0, 1, and so on. "balanced"
        gives all classes the same total weight, sample weights counted in. Not with several
        labels a row.

    warm_start : bool, default=False
        Whether ``fit`` goes on from where the last call ended, optimizer and noise
        included: twice 100 epochs are 200 epochs, to the last bit, if noise and learning
        rate have no schedule. With another optimizer or engine than the last time, or after
        early stopping, the optimizer starts anew.

    callbacks : list of keras.callbacks.Callback or None, default=None
        Keras callbacks. Each fit has its own copies, which it leaves in ``callbacks_``; but what
        their attributes hold, a list, a file or a study of Optuna's, is not copied, by ``clone``
        neither, and so is that of all fits of this process. They are called between epochs, which
        then are one call of the program each; weights and learning rate that they set count. One
        that listens to batches needs ``engine="keras"``. scikit-learn's own callbacks go to
        ``set_callbacks``, from scikit-learn 1.9 on. A fit with callbacks of either kind trains
        alone, not in a stack. A saved model has their names only: to train it further, set them
        anew.
        The figures that they are told are those of ``history_``; but with ``engine="keras"`` and
        a penalty, "loss" and "val_loss" have the penalty in them, as Keras has it, and
        "pure_loss" and "val_pure_loss" have not.

    engine : {"auto", "compiled", "keras"}, default="auto"
        "compiled" trains in one compiled program, "keras" by Keras's own loop with Keras
        layers for the noise, some hundred times slower on small data, and without
        ``noise_weights``, ``noise_gradient``, ``noise_target`` and ``noise_schedule``. "auto"
        takes "compiled" where it can, and otherwise warns and takes "keras".

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, noise and minibatches. An int gives the same model at
        every fit. None takes fresh entropy from the operating system, so that fitting
        leaves NumPy's global state alone.

    verbose : int, default=0
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; with several labels a row, their numbers.

    history_ : dict of str to ndarray of shape (`n_iter_`,)
        ``loss`` and ``accuracy`` of each epoch, and ``val_loss`` and ``val_accuracy`` where
        there was validation data. As Keras reports them, the training figures are means
        over the steps of the epoch, *with the noise on*; the validation figures are
        computed after the epoch, without noise. All are weighted means. Epochs that were
        trained without validation data, in a warm start, have NaN there. With several labels
        a row, the accuracy is that of the single labels.

    n_features_in_ : int
        Number of features of the training data.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; only where all of them are strings.

    n_iter_ : int
        Number of epochs done, those of earlier calls included where training went on.

    coefs_ : list of ndarray of shape (n_inputs, n_units), dtype float32
        Kernel of each hidden layer and of the output.

    intercepts_ : list of ndarray of shape (n_units,), dtype float32
        Bias of each hidden layer and of the output.

    loss_ : float
        Loss of the last epoch: as ``best_loss_``, ``loss_curve_``, ``n_layers_`` and
        ``out_activation_``, for code that comes from scikit-learn's perceptron.

    best_loss_ : float
        The smallest loss of an epoch.

    loss_curve_ : list of float
        Loss of each epoch, as in ``history_``: with the noise on, and without the penalty.

    validation_scores_ : list of float or None
        ``val_accuracy`` of each epoch, as in ``history_``; None where there is none.

    n_outputs_ : int
        Number of output units: 1 for two classes.

    n_layers_ : int
        Number of layers, the input and the output included.

    out_activation_ : str
        Activation of the output, by Keras's name.

    unexplained_ : float or None
        The fraction of the variance of the class indicators that the features leave unexplained,
        from 0 to 1: what parameters go by that are "auto", and None where there is none. It is
        what kernel ridge regression on up to 500 rows leaves, when it predicts each row from the
        others; near 0 where the classes are clear, near 1 where they overlap. A warm start and
        ``partial_fit`` keep that of the first call.

    callbacks_ : list of keras.callbacks.Callback
        The copies of ``callbacks`` that the last fit used; only where there were some. Not saved.

    model_ : keras.Sequential
        A plain Keras model with the trained weights, built when first asked for, and anew where
        others have been set in ``coefs_`` or ``intercepts_``. What is trained or set in it stays
        there, until you set these.

    keras_classifier_ : scikeras.wrappers.KerasClassifier
        The fitted scikeras wrapper around ``model_``, built when first asked for. Trained
        further there, its Keras optimizer starts anew, and the estimator stays as it is.

    See Also
    --------
    NoisyMLPRegressor : The same for numbers.
    sklearn.neural_network.MLPClassifier : The perceptron of scikit-learn, without noise.

    Notes
    -----
    Two classes give one output unit with a sigmoid and binary cross-entropy, more give a
    softmax and categorical cross-entropy, several labels a row give a sigmoid each.

    Training is in float32, prediction in float64.

    The weights are those in ``coefs_`` and ``intercepts_``, set by ``fit`` or by hand (averages of
    several networks', say): with them it predicts, is saved, and trains on.

    A fit from new weights warns of features so far from mean 0 and standard deviation 1 that
    training suffers: with a root mean square above 200, or a standard deviation below 0.01
    that is not 0. Scale such features.

    Every draw of the noise is a pure function, by the generator Philox [6]_, of the network's
    key, the site, the step, the content of the row and the unit. So equal rows with equal
    targets get equal noise, and train as one row of their summed weight: a row of weight 2 is
    exactly that row twice, and the order of the rows does not matter. Data full of duplicates
    therefore takes fewer, heavier steps in an epoch. With ``shuffle=False`` and minibatches the
    rows stay in the order given, and duplicates apart.

    Under ``joblib.parallel_config(backend="sknoise")`` the fits of a search, of a
    cross-validation or of an ensemble train together, in a fraction of the time.

    Ctrl-C ends a fit within a second or two, with a warning; the model is that of the epochs
    done, from which ``warm_start=True`` goes on. A second Ctrl-C raises ``KeyboardInterrupt``
    and leaves no new model, and so does the first while TensorFlow is still being imported.

    References
    ----------
    .. [1] Bishop (1995), "Training with noise is equivalent to Tikhonov regularization",
       Neural Computation 7(1), 108-116.

    .. [2] Poole, Sohl-Dickstein and Ganguli (2014), "Analyzing noise in autoencoders and deep
       networks", arXiv:1406.1831.

    .. [3] Murray and Edwards (1994), "Enhanced MLP performance and fault tolerance resulting
       from synaptic weight noise during training", IEEE Transactions on Neural Networks 5(5),
       792-802.

    .. [4] Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach and Martens (2015), "Adding
       gradient noise improves learning for very deep networks", arXiv:1511.06807.

    .. [5] Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: a
       simple way to prevent neural networks from overfitting", Journal of Machine Learning
       Research 15, 1929-1958.

    .. [6] Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
       SC '11.

    .. [7] Xie, Wang, Wei, Wang and Tian (2016), "DisturbLabel: regularizing CNN on the loss
       layer", CVPR.

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

    classes_: np.ndarray

    _usual_steps = 1000

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNoisyMLP._parameter_constraints,
        "noise_target": [Interval(Real, 0, 1, closed="both")],
        "monitor": [StrOptions({"val_loss", "val_accuracy", "loss", "accuracy"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        nodes: int | Sequence[int] = 400,
        *,
        noise_input: float | str = "auto",
        noise_hidden: float | str | Sequence[float] = "auto",
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
        alpha: float | str = "auto",
        activation: str = "relu",
        initializer: str = "glorot_uniform",
        optimizer: str | dict[str, Any] = "adam",
        learning_rate: Any = 0.001,
        epochs: int | str = "auto",
        batch_size: int | str | None = "auto",
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        monitor: str = "val_loss",
        patience: float = 10,
        min_delta: float = 0.0,
        restore_best_weights: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        warm_start: bool = False,
        callbacks: list[keras.callbacks.Callback] | None = None,
        engine: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.nodes = nodes
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
        self.class_weight = class_weight
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
    ) -> NoisyMLPClassifier:
        """Train the network, from new weights or where the last call ended.

        A call that raises leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels of any type. A single class is allowed, and is what will be
            predicted. Or an indicator matrix of several labels a row, 0 or 1.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights, 0 or larger; one number is for all rows, None is 1. Where all are whole
            numbers, weight 2 is a row given twice, for all that follows from the number of rows
            too. Otherwise only their ratios matter, but for an ``alpha`` that is a number.
        X_val : array-like of shape (n_val, n_features) or None, default=None
            Validation data, for ``history_`` and early stopping; without that, it does not
            change the training.
        y_val : array-like of shape (n_val,) or (n_val, n_labels), or None, default=None
            Class labels of the validation data.
        sample_weight_val : array-like of shape (n_val,), float or None, default=None
            Weights of the validation data, 0 or larger; one number is for all rows, None is 1.

        Returns
        -------
        NoisyMLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used, Keras does not know the optimizer, the
            engine cannot train this, or a warm start does not go with what was trained before:
            all of that before any training. Or if the loss or a weight does not stay finite.
        TypeError
            If data or weights are sparse or lazy, ``y`` has a dtype of NumPy's that scikit-learn
            cannot read, or dates where numbers are needed, or one of ``callbacks`` is no Keras
            callback or cannot be copied.
        NotFittedError
            If training is to go on from ``coefs_`` that were set where there had been none.
        RuntimeError
            If this process was forked from one that had trained before; or if TensorFlow is
            without eager execution.
        KeyboardInterrupt
            At the second Ctrl-C, or at the first while TensorFlow is still being imported.

        Warns
        -----
        ConvergenceWarning
            If features are so far from mean 0 and standard deviation 1 that training suffers; if
            most rows are equal to others, and ``epochs``, or ``patience`` of early stopping, few
            for that; or if ``val_loss`` does not stay finite, though the loss does.
        UserWarning
            If each row of several labels has exactly one; if ``class_weight`` may mean labels
            that an ensemble has encoded; if ``engine="auto"`` has to take Keras's own, slower
            loop; or if Ctrl-C ended the training.
        DataConversionWarning
            If ``y`` or ``y_val`` is a single column, which is taken for a vector.
        """
        going_on = self.warm_start and self._goes_on()
        X, y = self._checked(X, y, reset=not going_on)
        classes = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
        if not going_on:
            self.classes_ = classes
        elif not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start=True needs the classes of the last call to fit, "
                f"{self.classes_}, but y has {classes}. Data in which classes may be missing goes "
                "to partial_fit."
            )
        read = partial(self._validation_labels, multilabel=y.ndim == 2)
        validation = validation_rows(self, X_val, y_val, sample_weight_val, read)
        return self._fit(X, y, sample_weight, validation, self.epochs, going_on)

    @available_if(trains_in_parts)
    @unchanged_by_errors
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NoisyMLPClassifier:
        """Train for one epoch on the given data, from where the last call ended.

        Not there with ``early_stopping=True``, which needs more than one epoch. A call that
        raises leaves the estimator as it was.

        With ``class_weight="balanced"``, the data of each call is balanced by itself.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or an indicator matrix of several labels a row, 0 or 1.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that will ever occur; needed at the first call, but for an indicator
            matrix, where there is one for each column.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights, 0 or larger; one number is for all rows, None is 1. Where all are whole
            numbers, weight 2 is a row given twice, for all that follows from the number of rows
            too. Otherwise only their ratios matter, but for an ``alpha`` that is a number.

        Returns
        -------
        NoisyMLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used, Keras does not know the optimizer, the
            engine cannot train this, ``classes`` are missing at the first call or others at a
            later one, or the network is another than before: all of that before any training. Or
            if the loss or a weight does not stay finite.
        TypeError
            If data or weights are sparse or lazy, ``y`` has a dtype of NumPy's that scikit-learn
            cannot read, or dates where numbers are needed, or one of ``callbacks`` is no Keras
            callback or cannot be copied.
        NotFittedError
            If training is to go on from ``coefs_`` that were set where there had been none.
        RuntimeError
            If this process was forked from one that had trained before; or if TensorFlow is
            without eager execution.
        AttributeError
            If ``early_stopping=True``, with which there is no such method.
        KeyboardInterrupt
            At the second Ctrl-C, or at the first while TensorFlow is still being imported.

        Warns
        -----
        ConvergenceWarning
            If features are so far from mean 0 and standard deviation 1 that training suffers; at
            the first call only.
        UserWarning
            If each row of several labels has exactly one, at the first call only; if
            ``class_weight`` may mean labels that an ensemble has encoded; if ``engine="auto"``
            has to take Keras's own, slower loop; or if Ctrl-C ended the training.
        DataConversionWarning
            If ``y`` is a single column, which is taken for a vector.
        """
        going_on = self._goes_on()
        X, y = self._checked(X, y, reset=not going_on)
        if y.ndim == 2 and classes is None and not hasattr(self, "classes_"):
            classes = np.arange(y.shape[1])
        check_collected(classes=classes)
        with named_targets("classes", classes):
            _check_partial_fit_first_call(self, classes)
        if y.ndim == 2 and len(self.classes_) != y.shape[1]:
            raise ValueError(
                f"classes={self.classes_} has {len(self.classes_)} labels, but y {y.shape[1]} "
                "columns; with several labels a row there is a column for each."
            )
        return self._fit(X, y, sample_weight, None, 1, going_on)

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable of ``classes_``, in their dtype. With several labels a row, an
            indicator matrix of integers: 1 where the label's probability is above 0.5, else 0.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; if the prediction is
            not, because ``X`` is too far from what the network was trained on; or if arrays of
            other shapes were set in ``coefs_`` or ``intercepts_``.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.
        """
        p = self.predict_proba(X)
        return (p > 0.5).astype(int) if self._multilabel else self.classes_[p.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Columns in the order of ``classes_``. With several labels a row, the probability
            of each, which do not sum to 1.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; if the prediction is
            not, because ``X`` is too far from what the network was trained on; or if arrays of
            other shapes were set in ``coefs_`` or ``intercepts_``.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.
        """
        z = self._logits(X)
        with np.errstate(under="ignore"):
            return special.expit(z) if self._multilabel else probabilities(z, self._output)

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
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; if the prediction is
            not, because ``X`` is too far from what the network was trained on; or if arrays of
            other shapes were set in ``coefs_`` or ``intercepts_``.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.
        """
        z = self._logits(X)
        with np.errstate(under="ignore"):
            return special.log_expit(z) if self._multilabel else log_probabilities(z, self._output)

    @property
    def validation_scores_(self) -> list[float] | None:
        """The accuracy on the validation data after each epoch, as in ``history_``.

        Returns
        -------
        list of float or None
            None where there was no validation data.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        self._check_fitted()
        return self.history_["val_accuracy"].tolist() if "val_accuracy" in self.history_ else None

    @property
    def n_outputs_(self) -> int:
        """The number of output units.

        Returns
        -------
        int
            1 for two classes, else one for each of ``classes_``.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        self._check_fitted()
        return self._fitted.network.sizes[-1]

    @property
    def keras_classifier_(self) -> NoisyKerasClassifier:
        """The fitted scikeras wrapper around ``model_``, built when first asked for.

        Trained further there, its Keras optimizer starts anew, and the estimator stays as it is.

        Returns
        -------
        scikeras.wrappers.KerasClassifier
            The same at each access, until the next fit, or until other weights are set in
            ``coefs_`` or ``intercepts_``.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        ValueError
            If arrays of other shapes were set in ``coefs_`` or ``intercepts_``, or Keras does
            not know the optimizer.
        RuntimeError
            If this process was forked from one that had trained before; or if TensorFlow is
            without eager execution.
        """
        return self._keras_wrapper()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # The weight of a class has no meaning where a row has several.
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    @property
    def _output(self) -> str:
        return self._fitted.network.output

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        """Check data; give labels, or an indicator matrix as float32."""
        check_collected(X=X, y=y)
        with named_overflow("X or y"), named_targets("y", y):
            X, y = validate_data(self, X, y, dtype=np.float32, reset=reset, multi_output=True)
        labels = self._checked_labels("y", y)
        if reset and labels.ndim == 2:
            warn_of_one_hot(labels)
        return X, labels

    def _checked_labels(self, name: str, y: Any) -> np.ndarray:
        with named_targets(name, y):
            multilabel = type_of_target(y, input_name=name) == "multilabel-indicator"
            labels = y if multilabel else check_labels(y)
        return check_indicators(name, labels) if multilabel else labels

    def _validation_labels(self, y: Any, multilabel: bool) -> np.ndarray:
        """Check labels of validation data, and encode them."""
        y = self._checked_labels("y_val", y)
        columns = f"{len(self.classes_)} columns" if multilabel else "one column"
        if y.shape[1:] != ((len(self.classes_),) if multilabel else ()):
            raise ValueError(f"y_val has the shape {y.shape}; as y has, it needs {columns}.")
        return self._encoded("y_val", y, multilabel)

    def _encoded(self, name: str, y: np.ndarray, multilabel: bool) -> np.ndarray:
        return y if multilabel else encode(name, y, self.classes_)

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
        self._multilabel = y.ndim == 2
        weight = given = check_weights("sample_weight", sample_weight, len(X))
        labels = self._encoded("y", y, self._multilabel)
        if not self._multilabel:
            weight = class_weighted(self.class_weight, labels, weight, self.classes_)
        elif self.class_weight is not None:
            raise ValueError(
                f"class_weight={self.class_weight!r} has no meaning where a row has several "
                "labels; use None, or sample_weight."
            )
        return read_task(self, X, labels, weight, validation, epochs, going_on, given)

    def _loss_and_outputs(self) -> tuple[str, int]:
        n_classes = len(self.classes_)
        if self._multilabel:
            return "binary_crossentropy", n_classes
        # One unit is enough for two classes, and needed for one.
        if n_classes == 2:
            return "binary_crossentropy", 1
        return "categorical_crossentropy", n_classes

    def _example_targets(self) -> np.ndarray:
        if self._multilabel:
            # Rows with a single 1 each would look like one-hot classes to scikeras.
            return np.array([[0], [1]]).repeat(len(self.classes_), axis=1)
        return self.classes_
