"""What theory and the literature say about noise, on the estimators as users see them."""

import joblib
import keras
import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import chi2_contingency, ttest_rel
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

QUIET = {"noise_input": 0, "noise_hidden": 0, "alpha": 0}
# Steps too short to move a weight in float32, so that each epoch sees the initial weights.
# Only the biases, which start at 0, add them up: to 1e-9, which no output shows.
RATE = 1e-12
FROZEN = QUIET | {"optimizer": "sgd", "learning_rate": RATE, "batch_size": None}

# A right figure is further than this many standard errors off once in 150,000 times.
LIMIT = 4.5


def fitted(*fits):
    """Fit estimators as stacks; each comes with its data."""
    with joblib.parallel_config(backend="sknoise"):
        return joblib.Parallel()(joblib.delayed(clf.fit)(X, y) for clf, X, y in fits)


def mean_and_error(a):
    """Give mean and standard error along the first axis."""
    return a.mean(axis=0), a.std(axis=0, ddof=1) / np.sqrt(len(a))


# Ridge regression.


def linear_data(rng):
    """Draw correlated features with a mean, and targets."""
    mixing, means = [[1, 0.5, 0], [0, 1, 0.3], [0, 0, 0.7]], np.array([1, 0, -0.5])
    X = (means + rng.normal(size=(100, 3)) @ mixing).astype(np.float32)
    y = X @ [1, -2, 0.5] + 1 + rng.normal(scale=0.5, size=100)
    return X, y.astype(np.float32)


def ridge(X, y, penalties):
    """Minimise the squared errors, an intercept free, plus penalties times squared weights."""
    X, y = X.astype(float), y.astype(float)
    centred = X - X.mean(axis=0)
    w = np.linalg.solve(centred.T @ centred + np.diag(penalties), centred.T @ (y - y.mean()))
    return np.append(w, y.mean() - X.mean(axis=0) @ w)


def linear_networks(X, y, **options):
    """Train linear networks; give weights and intercept of each, product of its layers."""
    # The rate falls until the weights hardly move about: their mean then is off by no more
    # than their variance, far less than their standard error.
    rate = keras.optimizers.schedules.PolynomialDecay(0.05, 2000, 5e-4, power=2)
    networks = [
        NoisyMLPRegressor(
            2,
            **QUIET | options,
            activation="linear",
            optimizer="sgd",
            learning_rate=rate,
            epochs=2000,
            batch_size=None,
            random_state=seed,
        )
        for seed in range(64)
    ]
    weights = [
        np.vstack([n.coefs_[0] @ n.coefs_[1], n.intercepts_[0] @ n.coefs_[1] + n.intercepts_[1]])
        for n in fitted(*((network, X, y) for network in networks))
    ]
    return np.array(weights)[:, :, 0].astype(float)


# Noise adds to the mean squared error the variance of what it does to the output. For
# additive noise of the level s that is s^2 |w|^2, whatever its distribution: ridge regression
# (Bishop 1995, "Training with noise is equivalent to Tikhonov regularization").
# Multiplicative noise makes of it s^2 sum_j mean_i(x_ij^2) w_j^2 (Wager, Wang and Liang 2013,
# "Dropout training as adaptive regularization", section 2).
RIDGES = {
    "additive": ({}, lambda X: np.ones(3)),
    "relative": (
        {"noise_relative": True, "noise_free": [0], "noise_distribution": "laplace"},
        lambda X: [0, 1, 1] * X.var(axis=0),
    ),
    "multiplicative": (
        {"noise_kind": "multiplicative", "noise_distribution": "uniform"},
        lambda X: (X**2).mean(axis=0),
    ),
}


@pytest.mark.parametrize(("options", "squares"), RIDGES.values(), ids=RIDGES)
def test_linear_network_with_noisy_input_is_ridge_regression(rng, options, squares):
    X, y = linear_data(rng)
    s = 0.5
    mean, error = mean_and_error(linear_networks(X, y, noise_input=s, **options))
    expected = ridge(X, y, len(X) * s**2 * squares(X.astype(float)))
    assert np.abs((mean - expected) / error).max() < LIMIT
    # It would not pass for least squares, nor for another of the ridges.
    others = [np.zeros(3), *(other(X.astype(float)) for _, other in RIDGES.values())]
    for other in others:
        if not np.array_equal(other, squares(X.astype(float))):
            off = (ridge(X, y, len(X) * s**2 * other) - expected) / error
            assert np.abs(off).max() > 100


def test_the_oracle_is_scikit_learns_ridge(rng):
    X, y = linear_data(rng)
    for s in (0, 0.5):
        theirs = Ridge(alpha=len(X) * s**2) if s else LinearRegression()
        theirs.fit(X.astype(float), y)
        ours = ridge(X, y, np.full(3, len(X) * s**2))
        np.testing.assert_allclose(ours, [*theirs.coef_, theirs.intercept_], rtol=1e-6)


# Mean and variance.

HIGH = 32.0


def drawn_outputs(options, x, seeds, epochs):
    """Give what networks of frozen weights put out for a row, over the epochs with their noise.

    The absolute error from a target above all outputs gives them away. A first epoch sets the
    units of the targets to 1, as one row alone is standardised to 0.
    """
    networks = [
        NoisyMLPRegressor(
            4,
            loss="absolute_error",
            **FROZEN | {"activation": "linear"} | own,
            epochs=1,
            warm_start=True,
            random_state=seed,
        )
        for own in options
        for seed in seeds
    ]
    networks = fitted(*((network, [x, x], [-1, 1]) for network in networks))
    networks = fitted(*((n.set_params(epochs=epochs), x[None], [HIGH]) for n in networks))
    outputs = np.array([HIGH - network.history_["loss"][1:] for network in networks])
    assert outputs.max() < HIGH - 1
    return networks, outputs


def kernels(network):
    W, w = (a.astype(float) for a in network.coefs_)
    return W, w[:, 0]


# What one unit of noise does to the output of a linear network W, w: the sum of the squares
# of these is the variance. The target's noise moves the error as the output's would.
EFFECTS = {
    "additive": {
        "noise_input": lambda x, W, w: W @ w,
        "noise_hidden": lambda x, W, w: w,
        "noise_activation": lambda x, W, w: w,
        "noise_weights of the hidden layer": lambda x, W, w: np.outer(x, w),
        "noise_weights of the output": lambda x, W, w: x @ W,
        "noise_target": lambda x, W, w: 1.0,
    },
    "multiplicative": {
        "noise_input": lambda x, W, w: x * (W @ w),
        "noise_hidden": lambda x, W, w: (x @ W) * w,
        "noise_activation": lambda x, W, w: (x @ W) * w,
        "noise_weights of the hidden layer": lambda x, W, w: x[:, None] * W * w,
        "noise_weights of the output": lambda x, W, w: (x @ W) * w,
        "noise_target": lambda x, W, w: 1.0,
    },
}
LEVELS = {
    "noise_weights of the hidden layer": lambda s: {"noise_weights": (s, 0)},
    "noise_weights of the output": lambda s: {"noise_weights": (0, s)},
}


@pytest.mark.parametrize("kind", EFFECTS)
@pytest.mark.parametrize("distribution", ["gaussian", "uniform", "laplace"])
def test_noise_keeps_the_mean_and_has_its_level(distribution, kind):
    # Unbiased noise, as Noisin demands it (Dieng, Ranganath, Altosaar and Blei 2018): the mean
    # over the draws is the network without noise. The variance is that of the level.
    s, x = 0.4, np.array([0.5, -1.5, 1.0])
    seeds, epochs = range(8), 2000
    options = [
        LEVELS.get(site, lambda s, site=site: {site: s})(s)
        | {"noise_distribution": distribution, "noise_kind": kind}
        for site in EFFECTS[kind]
    ]
    networks, outputs = drawn_outputs(options, x, seeds, epochs)
    for i, (site, effect) in enumerate(EFFECTS[kind].items()):
        draws = []
        for j in range(len(seeds)):
            W, w = kernels(networks[len(seeds) * i + j])
            deviation = s * np.sqrt(np.sum(effect(x, W, w) ** 2))
            draws.append((outputs[len(seeds) * i + j] - x @ W @ w) / deviation)
        draws = np.concatenate(draws)
        for power, expected in ((1, 0), (2, 1)):
            mean, error = mean_and_error(draws**power)
            assert abs(mean - expected) < LIMIT * error, (site, power)
            # A twentieth of the level would be seen, be it as a shift or in the level itself.
            assert error < 0.05 / LIMIT * power, (site, power)


def test_dropout_is_kerass_and_has_its_mean_and_variance():
    # A unit a is kept with probability 1 - p and is a / (1 - p) then: its mean is a and its
    # variance a^2 p / (1 - p) (Srivastava et al. 2014, section 10).
    p, x, n = 0.3, np.array([0.5, -1.5, 1.0]), 16384
    (network,), (ours,) = drawn_outputs([{"dropout": p}], x, [0], n)
    rows = np.tile(x.astype(np.float32), (n, 1))
    theirs = np.asarray(network.model_(rows, training=True)).astype(float)[:, 0]
    W, w = kernels(network)
    variance = p / (1 - p) * np.sum(((x @ W) * w) ** 2)
    for draws in (ours, theirs):
        for of, expected in ((draws, x @ W @ w), ((draws - x @ W @ w) ** 2, variance)):
            mean, error = mean_and_error(of)
            assert abs(mean - expected) < LIMIT * error
            assert error < 0.02 * np.sqrt(variance)
    # All the 2^4 choices of units are as likely in ours as in Keras's.
    values, which = np.unique(np.round(np.concatenate([ours, theirs]), 4), return_inverse=True)
    assert len(values) == 16
    counts = [np.bincount(part, minlength=16) for part in (which[:n], which[n:])]
    assert chi2_contingency(counts).pvalue > 1e-4


# Label noise.


def label_covariance(mean, exclusive):
    """Give the covariance of each row's drawn labels: one of several, or each on its own."""
    own = mean[:, :, None] * np.eye(mean.shape[1])
    return own - (mean[:, :, None] * mean[:, None, :] if exclusive else own**2)


# Far from balanced: the mean of balanced labels is that of smooth ones.
TARGETS = {
    "two classes": lambda rng: (rng.permutation(40) % 5 == 0)[:, None],
    "three classes": lambda rng: np.eye(3)[np.minimum(rng.permutation(40) % 8, 2)],
    "several labels": lambda rng: rng.uniform(size=(40, 3)) < 0.2,
}


@pytest.mark.parametrize("name", TARGETS)
def test_label_noise_is_label_smoothing_on_average(rng, name):
    # A label drawn anew with probability p has the mean (1 - p) y + p / K, in which the cross-
    # entropy is linear: loss and gradient have the means that label smoothing gives them (Xie
    # et al. 2016, "DisturbLabel"; Szegedy et al. 2016, section 7).
    p, n_epochs = 0.3, 4000
    X, Y = rng.normal(scale=3, size=(40, 3)).astype(np.float32), TARGETS[name](rng).astype(float)
    exclusive = name == "three classes"
    y = Y.argmax(axis=1) if exclusive else Y.squeeze().astype(int)
    clf = NoisyMLPClassifier(8, **FROZEN, noise_target=p, epochs=n_epochs, random_state=0)
    clf.fit(X, y)

    W, w = (a.astype(float) for a in clf.coefs_)
    hidden = np.maximum(X @ W, 0)
    output = softmax(hidden @ w, axis=1) if exclusive else expit(hidden @ w)
    loss = keras.losses.CategoricalCrossentropy if exclusive else keras.losses.BinaryCrossentropy
    mean, error = mean_and_error(clf.history_["loss"])
    assert abs(mean - float(loss(label_smoothing=p)(Y, output))) < LIMIT * error
    assert abs(mean - float(loss()(Y, output))) > 20 * error

    # The biases have added up their gradients.
    n_rows, n_outputs = Y.shape
    smooth = (1 - p) * Y + p / (n_outputs if exclusive else 2)
    n_terms = n_rows * (1 if exclusive else n_outputs)
    of_output = np.tile(np.eye(n_outputs), (n_rows, 1, 1))
    of_hidden = w * (hidden > 0)[:, :, None]
    for bias, slope in zip(clf.intercepts_, (of_hidden, of_output), strict=True):
        mean = bias / (-RATE * n_epochs)
        covariance = label_covariance(smooth, exclusive)
        variance = np.einsum("iuk,ikl,iul->u", slope, covariance, slope)
        error = np.sqrt(variance / n_epochs) / n_terms
        smoothed, plain = (
            np.einsum("iuk,ik->u", slope, output - target) / n_terms for target in (smooth, Y)
        )
        assert np.abs((mean - smoothed) / error).max() < LIMIT
        assert np.abs((mean - plain) / error).max() > 20


# Gradient noise.


def test_gradient_noise_falls_as_published():
    # Its variance is level^2 / (1 + t)^0.55 (Neelakantan et al. 2015, "Adding gradient noise
    # improves learning for very deep networks", equation 1). Where all inputs are 0, the
    # gradient of the first kernel is 0, and its steps are the noise alone.
    level, rate = 0.7, 0.1
    X, y = np.zeros((5, 50)), np.zeros(5)
    options = QUIET | {"optimizer": "sgd", "learning_rate": rate, "random_state": 0}
    before = NoisyMLPRegressor(400, **options, epochs=1).fit(X, y).coefs_[0]
    noisy = NoisyMLPRegressor(400, **options, noise_gradient=level)
    for t in (0, 1, 10, 100, 1000):
        if t:
            before = noisy.set_params(epochs=t).fit(X, y).coefs_[0]
        # Without weights yet, this makes the first step; otherwise the next.
        after = noisy.partial_fit(X, y).coefs_[0]
        draws = (after.astype(float) - before).ravel() / (rate * level)
        mean, error = mean_and_error(draws)
        assert abs(mean) < LIMIT * error
        # The square of a standard normal draw has the variance 2: 20,000 of them are off by a
        # hundredth, and the steps compared differ by a fifth and more.
        assert draws.size == 20_000
        off = (draws**2).mean() * (1 + t) ** 0.55 - 1
        assert abs(off) < LIMIT * np.sqrt(2 / draws.size)


# Weight decay.

RULES = {
    "all rows": {"batch_size": None},
    "minibatches": {"batch_size": 8, "shuffle": False},
    "weighted": {"batch_size": None},
}


# What scikit-learn's loss is, times ours: it sums over labels, and halves the squared error.
LOSSES = {"classes": 1, "labels": 3, "numbers": 1 / 2}


@pytest.mark.parametrize("targets", LOSSES)
@pytest.mark.parametrize("rule", RULES)
def test_alpha_is_scikit_learns(rng, rule, targets):
    n_epochs, alpha, rate = 30, 5.0, 0.1
    X = rng.normal(size=(40, 3))
    y = rng.permutation(40) % 3 if targets == "classes" else X[:, 0] + rng.normal(size=40)
    if targets == "labels":
        y = (X + rng.normal(size=X.shape) > 0).astype(int)
    weight = rng.integers(1, 4, size=40) if rule == "weighted" else np.ones(40, dtype=int)
    options = {"optimizer": "sgd", "random_state": 0} | QUIET | RULES[rule]
    if targets == "numbers":
        # scikit-learn does not standardise targets.
        y -= np.average(y, weights=weight)
        y /= np.sqrt(np.average(y**2, weights=weight))
    factor = LOSSES[targets]
    kind = NoisyMLPRegressor if targets == "numbers" else NoisyMLPClassifier

    def train(**others):
        options_here = options | {"epochs": n_epochs, "learning_rate": rate * factor} | others
        return kind(12, **options_here).fit(X, y, weight)

    start = train(epochs=1, learning_rate=RATE)
    # A row of weight 2 is two rows.
    X_repeated, y_repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)
    oracle = (MLPRegressor if targets == "numbers" else MLPClassifier)(
        hidden_layer_sizes=12,
        alpha=alpha,
        solver="sgd",
        momentum=0,
        learning_rate_init=rate,
        batch_size=options["batch_size"] or len(X_repeated),
        shuffle=False,
    )
    go_on = {} if targets == "numbers" else {"classes": np.arange(3)}
    oracle.partial_fit(X_repeated, y_repeated, **go_on)
    oracle.coefs_ = [a.astype(float) for a in start.coefs_]
    oracle.intercepts_ = [a.astype(float) for a in start.intercepts_]
    for _ in range(n_epochs):
        oracle.partial_fit(X_repeated, y_repeated)
    ours, without = train(alpha=alpha / factor), train()
    for a, b, c in zip(ours.coefs_, oracle.coefs_, without.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
        assert np.abs(b - c).max() > 0.05
    for a, b in zip(ours.intercepts_, oracle.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


# Calibration.


def calibration_error(p, y, n_bins=10):
    """Give the expected calibration error of the predicted class (Guo et al. 2017)."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=n_bins)
    return np.abs(gaps).sum() / len(y)


def overlapping(rng, n):
    """Draw two classes of which 16 % lie on the other's side."""
    y = rng.integers(2, size=n)
    X = rng.normal(size=(n, 10))
    X[:, 0] += 2 * y - 1
    return X, y


def test_hidden_noise_makes_for_better_calibration():
    # Camuto et al. (2020), "Explicit regularisation in Gaussian noise injections": networks
    # that could learn the training data by heart are better calibrated with the noise.
    n_pairs = 64
    pairs = []
    for seed in range(n_pairs):
        data = overlapping(np.random.default_rng(seed), 40)
        for level in (0, 2):
            options = QUIET | {"noise_hidden": level, "random_state": seed}
            clf = NoisyMLPClassifier(
                50, **options, learning_rate=0.01, batch_size=None, epochs=200
            )
            pairs.append((clf, *data))
    X, y = overlapping(np.random.default_rng(n_pairs), 2000)
    predicted = [clf.predict_proba(X) for clf in fitted(*pairs)]
    for score in (calibration_error, lambda p, y: log_loss(y, p)):
        without, noisy = np.reshape([score(p, y) for p in predicted], (n_pairs, 2)).T
        assert ttest_rel(noisy, without).confidence_interval(0.95).high < 0
