"""``NoisyMLPClassifierCV``, the classifier that chooses noise, penalty and length by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy import special
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import Tags

from sknoise.engines import Trained
from sknoise.estimators import NoisyMLPClassifier, log_probabilities, unchanged_by_errors
from sknoise.selection._base import BaseNoisyMLPCV
from sknoise.selection._networks import Data, Member
from sknoise.selection._temperature import fitted_temperature, scaled_log_p
from sknoise.tasks import check_weights, class_weighted, counted, encode, noise_between_classes
from sknoise.training._types import Rows


class NoisyMLPClassifierCV(ClassifierMixin, BaseNoisyMLPCV):
    """Multilayer perceptron classifier that finds its noise, penalty and length by itself.

    Some levels of noise and penalty are tried by cross-validation. The networks of all folds and
    candidates train at once, as stacks, and each tells its loss on the rows that its fold holds
    out after every epoch: so it has tried all lengths of training. Candidate and length are chosen
    together, by the mean over the folds. Then the mean of the folds' networks predicts, or a new
    network that has seen all rows, at a temperature that suits the held-out rows.

    Parameters
    ----------
    nodes : int or sequence of int, default=400
        Number of units of the hidden layer, or of each of several hidden layers; 1 or larger.

    alphas : array-like of shape (n_alphas,) or "auto", default="auto"
        Penalties to try, each 0 or larger, as ``alpha`` of the network alone. "auto" is its
        automatic penalty, and a quarter of that: 0.6 and 0.15 times the square of
        ``unexplained_``. If ``noise_inputs`` is "auto" too, the first is tried without noise, and
        the second with it; otherwise each penalty is tried with each level.

    noise_inputs : array-like of shape (n_levels,) or "auto", default="auto"
        Levels of input noise to try, each 0 or larger, as ``noise_input`` of the network alone
        [1]_.
        "auto" is none, and a level that goes by how far apart the classes are: half of the
        squared distance from a row to the nearest one of another class, in the median, over the
        number of features, where these have a mean variance of 1.

    noise_hiddens : array-like of shape (n_levels,), default=(0,)
        Levels of noise on the hidden layers to try, each 0 or larger and the same for all layers,
        as ``noise_hidden`` of the network alone [2]_. Each is tried with all of the above.

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
        fraction of the epochs done, from 0 to below 1: a finite number, 0 or larger. Those of the
        longest training: one that ends before is a part of it.

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
        Number of passes over the training data of the longest training that is tried, 1 or larger.
        "auto" is twice as long as a network alone trains: as many as make about 2000 (n / 400)
        ** (1 / 3) steps of the optimizer on n rows, 1,600 on 200 and 5,800 on 10,000.

    batch_size : int, "auto" or None, default="auto"
        Number of distinct rows in a step of the optimizer, 1 or larger; a step takes all rows
        where there are fewer. "auto" is about a sixteenth of the rows, at least 4 and at most
        256; None is all rows.

    shuffle : bool, default=True
        Whether each epoch splits the rows into new minibatches. If False, the minibatches
        follow the order of the rows.

    class_weight : dict, "balanced" or None, default=None
        Weights of the classes as ``{label: weight}``, 1 where none is given. "balanced"
        gives all classes the same total weight, sample weights counted in. Held-out rows have
        them too. Not with several labels a row.

    cv : int, cross-validation generator, iterable or None, default=None
        Folds, at least two. None is five; a number is so many, shuffled, and stratified but
        for several labels a row. A
        row that several folds hold out counts with the mean of its predictions.

    scoring : str, callable or None, default=None
        What chooses among the candidates, each at the length of its least loss: any scorer of
        scikit-learn's, more is better. None is the loss.

    selection : {"best", "least_noise"}, default="best"
        Which candidate to take: the one of the best mean over folds, or that of least noise whose
        mean is within one standard error of the best [8]_.

    ensemble : bool, default=True
        Whether the networks of all folds predict, by the mean of their probabilities. Otherwise
        one more network is trained on all rows, to the length that is as many steps as the folds'
        times the cube root of how many more rows these are.

    calibrate : bool, default=True
        Whether to fit a temperature to the predictions for the held-out rows [9]_, by which the
        logarithms of the mean probabilities are divided.

    engine : {"auto", "compiled", "keras"}, default="auto"
        "compiled" trains in one compiled program, "keras" by Keras's own loop with Keras
        layers for the noise, some hundred times slower on small data, and without
        ``noise_weights``, ``noise_gradient``, ``noise_target`` and ``noise_schedule``. "auto"
        takes "compiled" where it can, and otherwise warns and takes "keras".

    random_state : int, RandomState instance or None, default=None
        Determines the folds, where ``cv`` is a number, and initial weights, noise and minibatches
        of all networks. An int gives the same model at every fit. None takes fresh entropy from
        the operating system, so that fitting leaves NumPy's global state alone.

    verbose : int, default=0
        Whether to show a progress bar over the epochs of all networks.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; with several labels a row, their numbers.

    best_params_ : dict
        What was chosen, as parameters of ``NoisyMLPClassifier``: "alpha", "noise_input",
        "noise_hidden", and "epochs" on all rows.

    best_index_ : int
        Number of the chosen candidate in ``cv_results_``.

    best_score_ : float
        Its weighted mean score over the folds: minus the loss, if ``scoring`` is None.

    cv_results_ : dict
        All candidates, each at its best length, in the form of scikit-learn's searches: "params",
        "param_alpha" and so on, "mean_test_score", "std_test_score", "rank_test_score" and
        "split0_test_score" and so on. "n_iter" is that length, in epochs, and "loss_curves" the
        loss on held-out rows, of shape (n_candidates, n_folds, n_epochs); where a network gave up,
        because its loss had not fallen for a quarter of all epochs, its last one stands for the
        rest.

    estimators_ : list of NoisyMLPClassifier
        The chosen candidate's networks, one for each fold, trained to the chosen length.

    estimator_ : NoisyMLPClassifier
        The network on all rows; only with ``ensemble=False``. The temperature is in its output
        layer.

    temperature_ : float
        What logarithms of probabilities are divided by: above 1 where the networks were too
        sure. 1 if ``calibrate`` is False.

    folds_ : list of tuple of ndarray
        Numbers of the rows that the network of each fold has trained on, and of those held out.

    oof_ : ndarray of shape (n_samples, n_classes)
        The probabilities of the training rows from the networks of ``estimators_`` that have not
        seen them, before the temperature. NaN in rows that no fold holds out.

    history_ : dict of str to ndarray of shape (n_epochs,)
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy`` of the chosen candidate, means
        over the folds, for all epochs that were tried.

    n_iter_ : int
        The chosen length, in epochs of a fold's network.

    n_steps_ : int
        The same in steps of the optimizer, or those of ``estimator_``.

    unexplained_ : float
        The fraction of the variance of the class indicators that the features leave unexplained,
        as ``NoisyMLPClassifier`` has it.

    n_features_in_ : int
        Number of features of the training data.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; only where all of them are strings.

    model_ : keras.Sequential
        A plain Keras model of ``estimator_``, built when first asked for; only with
        ``ensemble=False``.

    See Also
    --------
    NoisyMLPClassifier : The network that is chosen.
    NoisyMLPRegressorCV : The same for numbers.
    sknoise.noise_curve : Whether noise helps on some data, and how surely.
    sklearn.model_selection.GridSearchCV : Searches over any parameters.

    Notes
    -----
    All networks train in stacks, by joblib's backend "sknoise"; around ``fit``,
    ``joblib.parallel_config(backend="sknoise", ...)`` sets its options, and in a search under it
    the networks of several fits train together.

    Networks of one fold have the same seed, so that candidates differ by nothing but their
    parameters. Where not all weights are whole numbers, only their ratios matter.

    Draws of the noise are those of the network alone: pure functions of seed, site, step, row and
    unit [6]_.

    Ctrl-C raises ``KeyboardInterrupt``, and leaves the estimator as it was.

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

    .. [8] Breiman, Friedman, Olshen and Stone (1984), "Classification and regression trees".

    .. [9] Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks",
       ICML. Rahaman and Thiery (2021), "Uncertainty quantification and deep ensembles", NeurIPS,
       for why to average first.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sknoise import NoisyMLPClassifierCV
    >>> X, y = make_moons(n_samples=60, noise=0.3, random_state=0)
    >>> clf = NoisyMLPClassifierCV(20, noise_inputs=[0, 0.3], cv=3, epochs=60, random_state=0)
    >>> clf = clf.fit(X, y)
    >>> sorted(clf.best_params_)
    ['alpha', 'epochs', 'noise_hidden', 'noise_input']
    >>> clf.cv_results_["loss_curves"].shape
    (4, 3, 60)
    >>> clf.predict_proba(X[:5]).shape
    (5, 2)
    """

    classes_: np.ndarray
    temperature_: float

    _network = NoisyMLPClassifier
    _longest = 2
    _penalties = (1.0, 0.25)
    _seen = (*BaseNoisyMLPCV._seen, "classes_")
    _absent = -np.inf

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNoisyMLPCV._parameter_constraints,
        "noise_target": NoisyMLPClassifier._parameter_constraints["noise_target"],
        "class_weight": NoisyMLPClassifier._parameter_constraints["class_weight"],
        "calibrate": ["boolean"],
    }

    def __init__(
        self,
        nodes: int | Sequence[int] = 400,
        *,
        alphas: Sequence[float] | str = "auto",
        noise_inputs: Sequence[float] | str = "auto",
        noise_hiddens: Sequence[float] = (0,),
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
        activation: str = "relu",
        initializer: str = "glorot_uniform",
        optimizer: str | dict[str, Any] = "adam",
        learning_rate: Any = 0.001,
        epochs: int | str = "auto",
        batch_size: int | str | None = "auto",
        shuffle: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        cv: Any = None,
        scoring: Any = None,
        selection: str = "best",
        ensemble: bool = True,
        calibrate: bool = True,
        engine: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.nodes = nodes
        self.alphas = alphas
        self.noise_inputs = noise_inputs
        self.noise_hiddens = noise_hiddens
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
        self.activation = activation
        self.initializer = initializer
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.ensemble = ensemble
        self.calibrate = calibrate
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_by_errors
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, **params: Any
    ) -> NoisyMLPClassifierCV:
        """Choose, and train what predicts.

        A call that raises leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels of any type; or an indicator matrix of several labels a row, 0 or 1.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights, 0 or larger; one number is for all rows, None is 1. They count in training, in
            the choice and for the temperature. Where all are whole numbers, weight 2 is a row
            given twice to the same fold.
        **params : dict
            ``groups`` for ``cv``; with scikit-learn's metadata routing, what ``cv`` and
            ``scoring`` ask for.

        Returns
        -------
        NoisyMLPClassifierCV
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter, the data or the folds cannot be used, Keras does not know the
            optimizer, or the engine cannot train this: all of that before any training. Or if
            training diverged with all candidates.
        TypeError
            If data or weights are sparse or lazy, ``y`` has a dtype of NumPy's that scikit-learn
            cannot read, or there are ``params`` that nobody takes.
        RuntimeError
            If this process was forked from one that had trained before; or if TensorFlow is
            without eager execution.

        Warns
        -----
        ConvergenceWarning
            If features are so far from mean 0 and standard deviation 1 that training suffers; or
            if most rows are equal to others, and ``epochs`` few for that.
        UserWarning
            If ``engine="auto"`` has to take Keras's own, slower loop; or if a class has fewer rows
            than there are folds.
        DataConversionWarning
            If ``y`` is a single column, which is taken for a vector.
        RuntimeWarning
            If an executor that was given to the backend loses a stack of networks, which is then
            trained here.
        """
        given = X, y, sample_weight
        X, y = self._checked(X, y, reset=True)
        self._multilabel = y.ndim == 2
        self.classes_ = np.arange(y.shape[1]) if self._multilabel else np.unique(y)
        weight = counted(check_weights("sample_weight", sample_weight, len(X)))
        labels, judged = y, weight
        if not self._multilabel:
            labels = encode("y", y, self.classes_)
            judged = class_weighted(self.class_weight, labels, weight, self.classes_)
        self._choose_and_train(Data(X, y, weight, Rows(X, labels, judged), given), params)
        return self

    # As the network that is chosen.
    _checked = NoisyMLPClassifier._checked
    _checked_labels = NoisyMLPClassifier._checked_labels

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
            If ``fit`` has not been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; or if the prediction
            is not, because ``X`` is too far from what the network was trained on.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.
        """
        p = self.predict_proba(X)
        return (p > 0.5).astype(int) if self._multilabel else self.classes_[p.argmax(axis=1)]

    @np.errstate(under="ignore")
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
            If ``fit`` has not been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; or if the prediction
            is not, because ``X`` is too far from what the network was trained on.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.
        """
        return np.exp(self.predict_log_proba(X))

    @np.errstate(under="ignore")
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
            If ``fit`` has not been called.
        ValueError
            If ``X`` has other features than in ``fit``, or is not finite; or if the prediction
            is not, because ``X`` is too far from what the network was trained on.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.
        """
        log_p = self._mean_outputs(self._checked_for_prediction(X))
        if not self._has_one_network:
            log_p = scaled_log_p(log_p, self.temperature_)
        return log_p[..., 1] if self._multilabel else log_p

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # The weight of a class has no meaning where a row has several.
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    def _noise_level(self, all_rows: Member) -> float:
        # Several labels have no other class to go by.
        return 0.0 if self._multilabel else noise_between_classes(all_rows.task.data)

    def _loss_scale(self, member: Member, all_rows: Member) -> float:
        return 1.0

    def _outputs(self, network: NoisyMLPClassifier, X: np.ndarray) -> np.ndarray:
        """Give logarithms of probabilities, those of a label and of its absence side by side."""
        z = network._logits_of(X)
        if self._multilabel:
            return np.stack([special.log_expit(-z), special.log_expit(z)], axis=-1)
        return log_probabilities(z, network._output)

    def _averaged(self, outputs: np.ndarray, times: np.ndarray) -> np.ndarray:
        # The mean of the probabilities, in logarithms.
        return special.logsumexp(outputs, axis=0) - np.log(times)

    def _judge(self, data: Data, held_out: Sequence[np.ndarray]) -> None:
        self.temperature_ = 1.0
        if self.calibrate:
            seen = ~np.isnan(self.oof_).any(axis=tuple(range(1, self.oof_.ndim)))
            which, weight = data.judged.y[seen].astype(np.int64), data.judged.weight[seen]
            if self._multilabel:
                weight = np.repeat(weight, which.shape[1])
            log_p = self.oof_[seen].reshape(which.size, -1)
            self.temperature_ = fitted_temperature(log_p, which.ravel(), weight)
        self.oof_ = np.exp(self.oof_[..., 1] if self._multilabel else self.oof_)

    def _calibrated(self, trained: Trained) -> Trained:
        model = trained.model
        *hidden, kernel, bias = model.state.weights
        scaled = [(a / self.temperature_).astype(a.dtype) for a in (kernel, bias)]
        state = replace(model.state, weights=[*hidden, *scaled])
        return replace(trained, model=replace(model, state=state), wrapper=None)
