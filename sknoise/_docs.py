"""Where the documentation is, and what the docstrings of the estimators share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

DOCS = "https://sknoise.readthedocs.io/en/stable"

T = TypeVar("T", bound=type)

_PARAMETERS = """\
nodes : int or sequence of int, default=400
        Number of units of the hidden layer, or of each of several hidden layers.

    noise_input : float, default=0.1
        Noise on the input. Like all noise levels a standard deviation, here in the units of
        ``X``; 0 is off. Scale the features first, or one level cannot suit them all; or see
        ``noise_relative``.

    noise_hidden : float or sequence of float, default=0.1
        Noise on the hidden layers, before the activation; one number for all, or one for
        each layer.

    noise_activation : float or sequence of float, default=0
        Noise on the hidden layers, after the activation; one number for all, or one for each
        layer.

    noise_weights : float or sequence of float, default=0
        Noise on the kernels, drawn once for each step; one number for all, or one for each
        hidden layer and the output.

    noise_gradient : float, default=0
        Noise on the gradient of all weights: Gaussian, added, and falling with the number of
        steps t as (1 + t) ** -0.275 [3]_.

    noise_target : float, default=0
        {noise_target}

    noise_distribution : {{"gaussian", "uniform", "laplace"}}, default="gaussian"
        Distribution of the noise on input, layers{and_targets} and kernels, at the same
        standard deviation.

    noise_kind : {{"additive", "multiplicative"}}, default="additive"
        Whether noise z is added to a value x of input, layers and kernels, or turns it into
        x (1 + z).

    noise_schedule : {{"constant", "linear", "cosine"}} or callable, default="constant"
        What multiplies all noise but the gradient's and dropout in each epoch: 1; from 1 down
        towards 0 in a line, or along half a cosine; or what the callable gives for the
        fraction of the epochs done, from 0 to below 1.

    noise_relative : bool, default=False
        Whether ``noise_input`` is in units of each feature's weighted standard deviation in
        the training data.

    noise_free : array-like of bool, int or str, or None, default=None
        Features whose input gets no noise, one-hot columns for example: a mask, their numbers
        or their names.

    dropout : float or sequence of float, default=0
        Fraction of the units of the hidden layers, after the activation, that each row drops
        in each step; the others are scaled up by as much. One number for all, or one for
        each layer.

    max_norm : float or None, default=None
        Bound of the Euclidean norm of each unit's incoming weights, output included, as
        Keras's ``MaxNorm`` keeps it after each step.

    alpha : float, default=0
        Strength of the L2 penalty on all kernels, as in scikit-learn's perceptron: the mean
        loss gets alpha / (2 n) times the sum of all squared weights, where n is the number of
        rows in a step; as there, their weight if ``sample_weight`` is given. A last, smaller
        minibatch has the same n here.{alpha} ``history_`` is without the penalty.

    activation : str, default="relu"
        Activation of the hidden layers, by Keras's name.

    initializer : str, default="glorot_uniform"
        Initializer of the kernels, by Keras's name. Biases start at 0.

    optimizer : str or dict, default="adam"
        Any Keras optimizer by its name, or with arguments as Keras serialises it:
        ``{{"class_name": "SGD", "config": {{"momentum": 0.9}}}}``.

    learning_rate : float, LearningRateSchedule or dict, default=0.001
        Learning rate of the optimizer: a number; or one of ``keras.optimizers.schedules``,
        as an object or as Keras serialises it. Schedules count steps, not epochs.

    epochs : int, default=200
        Number of passes over the training data; the most of them if ``early_stopping``.

    batch_size : int, "auto" or None, default="auto"
        Number of distinct rows in a step of the optimizer; a step takes all rows where
        there are fewer. "auto" is the power of two nearest to a sixteenth of the rows, at
        least 4 and at most 256; None is all rows.

    shuffle : bool, default=True
        Whether each epoch splits the rows into new minibatches. If False, the minibatches
        follow the order of the rows.

    early_stopping : bool, default=False
        Whether to stop when ``monitor`` has not improved by more than ``min_delta`` for
        ``patience`` epochs.

    validation_fraction : float, default=0.1
        Fraction of the distinct training rows{stratified} that is held out to validate on,
        if ``early_stopping`` needs validation data and ``X_val`` is not given. Which rows
        follows from their content and ``random_state``, not from their order.

    monitor : {monitors}, default="val_loss"
        Figure of ``history_`` that early stopping watches.

    patience : int, default=10
        Number of epochs without improvement after which training stops.

    min_delta : float, default=0
        What an improvement must exceed.

    restore_best_weights : bool, default=True
        Whether early stopping ends with the weights of the best epoch.
"""

_MORE = """\
warm_start : bool, default=False
        Whether ``fit`` goes on from where the last call ended, optimizer and noise
        included: twice 100 epochs are 200 epochs, to the last bit, if noise and learning
        rate have no schedule. With another optimizer or engine than the last time, or after
        early stopping, the optimizer starts anew.

    callbacks : list of keras.callbacks.Callback or None, default=None
        Keras callbacks; each fit has its own copies, which it leaves in ``callbacks_``. They
        are called between epochs, which then are one call of the program each; weights and
        learning rate that they set count. One that listens to batches needs
        ``engine="keras"``. scikit-learn's own callbacks go to ``set_callbacks``, from
        scikit-learn 1.9 on. A fit with callbacks of either kind trains alone, not in a stack.

    engine : {{"auto", "compiled", "keras"}}, default="auto"
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
"""

_ATTRIBUTES = """\
n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; only where all of them are strings.

    n_iter_ : int
        Number of epochs done.

    coefs_ : list of ndarray of shape (n_inputs, n_units), dtype float32
        Kernel of each layer.

    intercepts_ : list of ndarray of shape (n_units,), dtype float32
        Bias of each layer.

    callbacks_ : list of keras.callbacks.Callback
        The copies of ``callbacks`` that the last fit used; only where there were some. Not saved.

    model_ : keras.Sequential
        A plain Keras model with the trained weights, built when first asked for.
"""

_NOTES = """\
Training is in float32, prediction in float64.

    ``fit`` warns of features so far from mean 0 and standard deviation 1 that training
    suffers: with a root mean square above 200, or a standard deviation below 0.01 that is not
    0. Scale such features.

    Every draw of the noise is a pure function of the network's key, the site, the step,
    the content of the row and the unit. So equal rows with equal {targets} get equal noise,
    and train as one row of their summed weight: a row of weight 2 is exactly that row
    twice, and the order of the rows does not matter. Data full of duplicates therefore
    takes fewer, heavier steps in an epoch. With ``shuffle=False`` and minibatches the rows
    stay in the order given, and duplicates apart.

    Under ``joblib.parallel_config(backend="sknoise")`` the fits of a search, of a
    cross-validation or of an ensemble train together, in a fraction of the time.

    Ctrl-C ends a fit within a second or two, with a warning; the model is that of the epochs
    done, from which ``warm_start=True`` goes on. A second Ctrl-C raises ``KeyboardInterrupt``
    and leaves no new model, and so does the first while TensorFlow is still being imported.
"""

_REFERENCES = """\
.. [1] Bishop (1995), "Training with noise is equivalent to Tikhonov regularization",
       Neural Computation 7(1), 108-116.

    .. [2] Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
       SC '11.

    .. [3] Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach and Martens (2015), "Adding
       gradient noise improves learning for very deep networks", arXiv:1511.06807.
"""


def documented(**words: str) -> Callable[[T], T]:
    """Fill the shared parts into the docstring of a class.

    Parameters
    ----------
    **words : str
        What differs between the classes.

    Returns
    -------
    callable
        A decorator.
    """
    shared = {
        "parameters": _PARAMETERS,
        "more_parameters": _MORE,
        "attributes": _ATTRIBUTES,
        "notes": _NOTES,
        "references": _REFERENCES,
    }

    def decorate(cls: T) -> T:
        # Python leaves docstrings out if it is told to.
        if cls.__doc__ is not None:
            for name, text in shared.items():
                cls.__doc__ = cls.__doc__.replace(f"%({name})s\n", text.format(**words))
        return cls

    return decorate
