"""``NoisyMLPRegressorCV``, the regressor that chooses noise, penalty and length by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import Tags

from sknoise.engines import Trained
from sknoise.estimators import NoisyMLPRegressor, unchanged_by_errors
from sknoise.selection._base import BaseNoisyMLPCV
from sknoise.selection._intervals import interval
from sknoise.selection._networks import Data, Member
from sknoise.tasks import check_weights, counted
from sknoise.training._types import Rows

# The level of input noise to try, in standard deviations of the features; so many digits of it, so
# that processors that round differently agree.
_NOISE, _DIGITS = 0.05, 3


class NoisyMLPRegressorCV(RegressorMixin, BaseNoisyMLPCV):
    """Multilayer perceptron regressor that finds its noise, penalty and length by itself.

    Some levels of noise and penalty are tried by cross-validation. The networks of all folds and
    candidates train at once, as stacks, and each tells its loss on the rows that its fold holds
    out after every epoch: so it has tried all lengths of training. Candidate and length are chosen
    together, by the mean over the folds. Then the mean of the folds' networks predicts, or a new
    network that has seen all rows. What they were wrong by on held-out rows gives intervals [9]_.

    Parameters
    ----------
    nodes : int or sequence of int, default=400
        Number of units of the hidden layer, or of each of several hidden layers; 1 or larger.

    loss : {"squared_error", "absolute_error", "huber", "poisson"}, default="squared_error"
        What is minimised, by Keras's losses, of the standardised targets. "huber" is squared up
        to an error of one standard deviation and absolute above. "poisson" is for counts,
        targets of 0 or larger, which are divided by their mean: the network gives the logarithm
        of what to expect, and ``predict`` that itself.

    alphas : array-like of shape (n_alphas,) or "auto", default="auto"
        Penalties to try, each 0 or larger, as ``alpha`` of the network alone. "auto" is its
        automatic penalty, 0.6 times the square of ``unexplained_``. Each is tried with each level
        of ``noise_inputs``.

    noise_inputs : array-like of shape (n_levels,) or "auto", default="auto"
        Levels of input noise to try, each 0 or larger, as ``noise_input`` of the network alone
        [1]_.
        "auto" is none, and a twentieth of the mean standard deviation of the features.

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
        Noise added to the targets, in units of each target's standard deviation (of its mean
        with ``loss="poisson"``), anew in each step; 0 is off.

    noise_distribution : {"gaussian", "uniform", "laplace"}, default="gaussian"
        Distribution of the noise on input, layers, targets and kernels, at the same
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
        "auto" is four times as long as a network alone trains: as many as make about 8000
        (n / 400) ** (1 / 3) steps of the optimizer on n rows, 6,300 on 200 and 23,000 on 10,000.

    batch_size : int, "auto" or None, default="auto"
        Number of distinct rows in a step of the optimizer, 1 or larger; a step takes all rows
        where there are fewer. "auto" is about a sixteenth of the rows, at least 4 and at most
        256; None is all rows.

    shuffle : bool, default=True
        Whether each epoch splits the rows into new minibatches. If False, the minibatches
        follow the order of the rows.

    cv : int, cross-validation generator, iterable or None, default=None
        Folds, at least two. None is five; a number is so many, shuffled. A
        row that several folds hold out counts with the mean of its predictions.

    scoring : str, callable or None, default=None
        What chooses among the candidates, each at the length of its least loss: any scorer of
        scikit-learn's, more is better. None is the loss.

    selection : {"best", "least_noise"}, default="best"
        Which candidate to take: the one of the best mean over folds, or that of least noise whose
        mean is within one standard error of the best [8]_.

    ensemble : bool, default=True
        Whether the networks of all folds predict, by the mean of their predictions. Otherwise
        one more network is trained on all rows, to the length that is as many steps as the folds'
        times the cube root of how many more rows these are.

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
    best_params_ : dict
        What was chosen, as parameters of ``NoisyMLPRegressor``: "alpha", "noise_input",
        "noise_hidden", and "epochs" on all rows.

    best_index_ : int
        Number of the chosen candidate in ``cv_results_``.

    best_score_ : float
        Its weighted mean score over the folds: minus the loss, if ``scoring`` is None, of targets
        standardised by all rows.

    cv_results_ : dict
        All candidates, each at its best length, in the form of scikit-learn's searches: "params",
        "param_alpha" and so on, "mean_test_score", "std_test_score", "rank_test_score" and
        "split0_test_score" and so on. "n_iter" is that length, in epochs, and "loss_curves" the
        loss on held-out rows, of shape (n_candidates, n_folds, n_epochs); where a network gave up,
        because its loss had not fallen for a quarter of all epochs, its last one stands for the
        rest.

    estimators_ : list of NoisyMLPRegressor
        The chosen candidate's networks, one for each fold, trained to the chosen length.

    estimator_ : NoisyMLPRegressor
        The network on all rows; only with ``ensemble=False``.

    folds_ : list of tuple of ndarray
        Numbers of the rows that the network of each fold has trained on, and of those held out.

    oof_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The predictions for the training rows from the networks of ``estimators_`` that have not
        seen them. NaN in rows that no fold holds out.

    history_ : dict of str to ndarray of shape (n_epochs,)
        ``loss`` and ``val_loss`` of the chosen candidate, means over the folds, for all epochs
        that were tried, of targets standardised by all rows.

    n_iter_ : int
        The chosen length, in epochs of a fold's network.

    n_steps_ : int
        The same in steps of the optimizer, or those of ``estimator_``.

    unexplained_ : float
        The fraction of the variance of the targets that the features leave unexplained, as
        ``NoisyMLPRegressor`` has it.

    n_outputs_ : int
        Number of outputs.

    n_features_in_ : int
        Number of features of the training data.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; only where all of them are strings.

    model_ : keras.Sequential
        A plain Keras model of ``estimator_``, built when first asked for; only with
        ``ensemble=False``.

    See Also
    --------
    NoisyMLPRegressor : The network that is chosen.
    NoisyMLPClassifierCV : The same for classes.
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

    .. [8] Breiman, Friedman, Olshen and Stone (1984), "Classification and regression trees".

    .. [9] Barber, Candès, Ramdas and Tibshirani (2021), "Predictive inference with the
       jackknife+", Annals of Statistics 49(1), 486-507.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sknoise import NoisyMLPRegressorCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X, y = scale(X)[:80], y[:80]
    >>> reg = NoisyMLPRegressorCV(20, cv=3, epochs=40, random_state=0).fit(X, y)
    >>> sorted(reg.best_params_)
    ['alpha', 'epochs', 'noise_hidden', 'noise_input']
    >>> reg.predict(X[:5]).shape
    (5,)
    >>> lower, upper = reg.predict_interval(X[:5], coverage=0.9)
    >>> bool((lower < upper).all())
    True
    """

    n_outputs_: int

    _network = NoisyMLPRegressor
    _longest = 4
    _penalties = (1.0, 1.0)
    _absent = 0.0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNoisyMLPCV._parameter_constraints,
        "loss": NoisyMLPRegressor._parameter_constraints["loss"],
    }

    def __init__(
        self,
        nodes: int | Sequence[int] = 400,
        *,
        loss: str = "squared_error",
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
        cv: Any = None,
        scoring: Any = None,
        selection: str = "best",
        ensemble: bool = True,
        engine: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.nodes = nodes
        self.loss = loss
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
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.ensemble = ensemble
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_by_errors
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> NoisyMLPRegressorCV:
        """Choose, and train what predicts.

        A call that raises leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), float or None, default=None
            Weights, 0 or larger; one number is for all rows, None is 1. They count in training, in
            the choice and for intervals. Where all are whole numbers, weight 2 is a row
            given twice to the same fold.
        **params : dict
            ``groups`` for ``cv``; with scikit-learn's metadata routing, what ``cv`` and
            ``scoring`` ask for.

        Returns
        -------
        NoisyMLPRegressorCV
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
            If ``engine="auto"`` has to take Keras's own, slower loop.
        DataConversionWarning
            If ``y`` is a single column, which is taken for a vector.
        RuntimeWarning
            If an executor that was given to the backend loses a stack of networks, which is then
            trained here.
        """
        given = X, y, sample_weight
        X, y = self._checked(X, y, False)
        self._flat = y.ndim == 1
        columns = y.reshape(len(y), -1)
        self.n_outputs_ = columns.shape[1]
        weight = counted(check_weights("sample_weight", sample_weight, len(X)))
        self._choose_and_train(Data(X, y, weight, Rows(X, columns, weight), given), params)
        return self

    # As the network that is chosen.
    _checked = NoisyMLPRegressor._checked
    _checked_targets = NoisyMLPRegressor._checked_targets

    @np.errstate(under="ignore")
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.
        return_std : bool, default=False
            Whether to give a standard deviation of each prediction too: of the target that will
            come, about its prediction. Its square is the mean square of what the folds' networks
            were wrong by on held-out rows, the same for all rows, plus the variance of their
            predictions for the row.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), dtype float64
            In the shape of the ``y`` of ``fit``.
        ndarray of the same shape
            The standard deviations; only if they are asked for.

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
        X = self._checked_for_prediction(X)
        if not return_std:
            return self._shaped(self._mean_outputs(X))
        of_folds = np.array([self._outputs(network, X) for network in self.estimators_])
        if self._has_one_network:
            mean = self._mean_outputs(X)
        else:
            mean = self._averaged(of_folds, np.array(len(of_folds)))
        deviation = np.sqrt(self._squared_error + of_folds.var(axis=0))
        return self._shaped(mean), self._shaped(deviation)

    @np.errstate(under="ignore")
    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Predict intervals that hold the target with a given probability, by CV+ [1]_.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, to which no noise is added.
        coverage : float, default=0.9
            The probability, above 0 and below 1.

        Returns
        -------
        lower : ndarray of shape (n_samples,) or (n_samples, n_outputs), dtype float64
            In the shape of the ``y`` of ``fit``. -inf, where there are too few rows for so large a
            coverage.
        upper : ndarray of the same shape
            Likewise, inf.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ValueError
            If ``coverage`` is not between 0 and 1, ``X`` has other features than in ``fit``, or is
            not finite; or if the prediction is not, because ``X`` is too far from what the network
            was trained on.
        TypeError
            If ``X`` is sparse or lazy.

        Warns
        -----
        UserWarning
            If ``X`` names its features and the training data did not, or the other way round.

        Notes
        -----
        For each training row, the network that has not seen it predicts ``X``, and what it was
        wrong by on that row is added and subtracted; the interval lies between quantiles of these
        numbers. Rows that come from where the training rows came from, whatever that is, fall into
        it with a probability of at least 2 ``coverage`` - 1, less a little where folds are few;
        in practice that is about ``coverage``. Each output has an interval of its own. Intervals
        come from the folds' networks, with ``ensemble=False`` too.

        References
        ----------
        .. [1] Barber, Candès, Ramdas and Tibshirani (2021), "Predictive inference with the
           jackknife+", Annals of Statistics 49(1), 486-507.
        """
        if not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must be above 0 and below 1.")
        X = self._checked_for_prediction(X)
        predictions = np.array([self._outputs(network, X) for network in self.estimators_])
        lower, upper = interval(predictions, self._errors, coverage)
        return self._shaped(lower), self._shaped(upper)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _noise_level(self, all_rows: Member) -> float:
        deviation = all_rows.task.data.X.std(axis=0, dtype=np.float64).mean()
        return float(f"{_NOISE * deviation:.{_DIGITS}g}")

    def _loss_scale(self, member: Member, all_rows: Member) -> float:
        # The squared loss, and nearly Huber's, grows with the square of the unit.
        power = 2 if self.loss in ("squared_error", "huber") else 1
        ours, all_rows_ = member.task.model.units, all_rows.task.model.units
        assert ours is not None and all_rows_ is not None
        return float(np.mean((ours.scale / all_rows_.scale) ** power))

    def _outputs(self, network: NoisyMLPRegressor, X: np.ndarray) -> np.ndarray:
        return network._outputs(network._logits_of(X))

    def _averaged(self, outputs: np.ndarray, times: np.ndarray) -> np.ndarray:
        return outputs.sum(axis=0) / times

    def _judge(self, data: Data, held_out: Sequence[np.ndarray]) -> None:
        """Note what each fold's network was wrong by, and how many rows each error stands for."""
        _, y, weight = data.judged.arrays
        self._errors = []
        for outputs, (_, test) in zip(held_out, self.folds_, strict=True):
            counts = weight[test] > 0
            error = np.abs(y[test] - outputs)
            self._errors.append((error[counts], weight[test][counts]))
        seen = ~np.isnan(self.oof_).any(axis=1)
        squares = (y[seen] - self.oof_[seen]) ** 2
        self._squared_error = np.average(squares, axis=0, weights=weight[seen])
        self.oof_ = self._shaped(self.oof_)

    def _calibrated(self, trained: Trained) -> Trained:
        return trained

    def _shaped(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] if self._flat else outputs
