"""The compiled engine against Keras's own loop, and the choice between them."""

import keras
import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import log_loss

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

MOMENTUM = {"class_name": "SGD", "config": {"momentum": 0.9}}
COSINE = {
    "class_name": "CosineDecay",
    "config": {"initial_learning_rate": 0.05, "decay_steps": 25, "alpha": 0.1},
}
# Keras's own, where it saves a model under NumPy 2.
saves = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUIET = {"noise_input": 0, "noise_hidden": 0, "epochs": 12, "random_state": 0}


def by_both(estimator, *data, **more):
    """Fit by both engines."""
    return [
        clone(estimator).set_params(engine=e).fit(*data, **more) for e in ("compiled", "keras")
    ]


def assert_agree(ours, theirs):
    """Compare all that training leaves."""
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert list(ours.history_) == list(theirs.history_)
    for key, figures in ours.history_.items():
        np.testing.assert_allclose(figures, theirs.history_[key], atol=1e-4, err_msg=key)
    assert ours.n_iter_ == theirs.n_iter_
    # Training that does nothing would agree too.
    assert np.ptp(ours.history_["loss"]) > 0.01


# Each option with as much else as it gets along with.
CLASSIFIERS = {
    "adam": (2, {"nodes": 16, "batch_size": None}),
    "momentum": (3, {"nodes": (16, 8), "optimizer": MOMENTUM}),
    "rmsprop": (2, {"nodes": (16, 8), "optimizer": "rmsprop", "dropout": 0}),
    "max_norm": (3, {"nodes": (16, 8), "max_norm": 0.5, "learning_rate": 0.01}),
    "alpha and max_norm, deep": (
        2,
        {
            "nodes": (8, 7, 6, 5),
            "activation": "tanh",
            "alpha": 0.3,
            "max_norm": 0.5,
            "optimizer": MOMENTUM,
            "learning_rate": 0.01,
        },
    ),
}


@pytest.mark.parametrize(("n_classes", "options"), CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers_agree_with_keras(blobs, n_classes, options):
    X, y = blobs
    # Minibatches of 16, 16 and 8 rows in the order given: each engine shuffles in its own.
    clf = NoisyMLPClassifier(**QUIET | {"batch_size": 16, "shuffle": False} | options)
    ours, theirs = by_both(clf, X, np.minimum(y, n_classes - 1))
    assert_agree(ours, theirs)
    norms = np.concatenate([np.linalg.norm(kernel, axis=0) for kernel in ours.coefs_])
    if clf.max_norm:
        assert norms.max() < clf.max_norm * (1 + 1e-6)
        # The penalty alone may shorten weights further.
        assert clf.alpha or np.isclose(norms.max(), clf.max_norm)


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_minibatches_weights_and_validation_agree_with_keras(blobs, rng, kind):
    X, y = blobs
    if kind == "labels":
        y = (X[:, :1] + rng.normal(scale=3, size=(40, 3)) > [0, 1, -1]).astype(int)
    weight, val_weight = rng.uniform(size=40), rng.uniform(size=15)
    options = QUIET | {"learning_rate": 0.01}
    clf = NoisyMLPClassifier(16, **options, batch_size=16, shuffle=False)
    validation = {"X_val": X[:15] + 0.1, "y_val": y[:15], "sample_weight_val": val_weight}
    ours, theirs = by_both(clf, X, y, weight, **validation)
    assert_agree(ours, theirs)
    assert list(ours.history_) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    # The weights matter.
    assert np.abs(ours.coefs_[0] - clone(clf).fit(X, y).coefs_[0]).max() > 0.01


REGRESSORS = {
    "squared_error": (1, {"optimizer": MOMENTUM, "learning_rate": 0.01, "alpha": 1.0}),
    "absolute_error": (2, {"nodes": (16, 8), "activation": "tanh"}),
    "huber": (2, {"max_norm": 0.6, "learning_rate": COSINE}),
    "poisson": (1, {"learning_rate": 0.01}),
}


@pytest.mark.parametrize("loss", REGRESSORS)
def test_regressors_agree_with_keras(rng, loss):
    n_outputs, options = REGRESSORS[loss]
    X = rng.normal(size=(40, 3))
    y = (X[:, :n_outputs] + rng.normal(size=(40, n_outputs))).squeeze()
    if loss == "poisson":
        y = rng.poisson(np.exp(y))
    options = QUIET | {"nodes": 16, "batch_size": 16, "shuffle": False} | options
    reg = NoisyMLPRegressor(loss=loss, **options)
    data = (X, y, rng.uniform(size=40))
    ours, theirs = by_both(reg, *data, X_val=X[:9] + 0.1, y_val=y[:9])
    assert_agree(ours, theirs)
    assert list(ours.history_) == ["loss", "val_loss"]
    assert ours.predict(X).shape == y.shape
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-3)


RULES = {
    "best loss": {"monitor": "val_loss", "patience": 2},
    "last loss": {"monitor": "val_loss", "patience": 3, "restore_best_weights": False},
    "best accuracy": {"monitor": "val_accuracy", "patience": 4, "min_delta": 0.02},
    "last accuracy": {"monitor": "val_accuracy", "patience": 4, "restore_best_weights": False},
    "held out": {"monitor": "val_loss", "patience": 2, "validation_fraction": 0.3},
    # Keras's own loss has the penalty in it.
    "training loss": {"monitor": "loss", "patience": 0, "min_delta": 0.05, "alpha": 3.0},
}


@pytest.mark.parametrize("rule", RULES)
def test_early_stopping_agrees_with_keras(blobs, rule):
    X, y = blobs
    options = QUIET | {"epochs": 100, "learning_rate": 0.02, "batch_size": None} | RULES[rule]
    clf = NoisyMLPClassifier(16, **options, early_stopping=True)
    X_val, y_val = X[::3] + 1, y[::3]
    ours, theirs = by_both(
        clf, X, y, **{"X_val": X_val, "y_val": y_val} if rule != "held out" else {}
    )
    assert_agree(ours, theirs)
    assert 1 < ours.n_iter_ < 100
    if rule in ("best loss", "last loss"):
        figures = ours.history_["val_loss"]
        left = figures.min() if clf.restore_best_weights else figures[-1]
        assert np.isclose(log_loss(y_val, ours.predict_proba(X_val)), left)
        assert figures.min() < figures[-1]


NOISES = {
    "gaussian": {"noise_input": 0.5, "noise_hidden": 1.5, "dropout": 0.2},
    "relative laplace": {
        "noise_input": 0.5,
        "noise_activation": 0.7,
        "noise_distribution": "laplace",
        "noise_relative": True,
        "noise_free": [0],
    },
    "multiplicative uniform": {
        "noise_input": 0.5,
        "noise_hidden": 0.7,
        "noise_activation": (0.3, 0.7),
        "noise_kind": "multiplicative",
        "noise_distribution": "uniform",
    },
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_noise_has_the_same_effect_as_kerass(rng, noise):
    # Other draws, same distribution: so are the training losses, epoch by epoch, of weights that
    # steps too short for float32 leave as they are.
    X = rng.normal(size=(3000, 3)) * [1, 2, 4]
    y = X[:, 0] > 0
    options = QUIET | {"optimizer": "sgd", "learning_rate": 1e-12, "batch_size": None}
    clf = NoisyMLPClassifier((10, 8), **options | {"epochs": 1})
    (without,) = clf.fit(X, y).history_["loss"]
    clf.set_params(**noise)
    ours = clone(clf).set_params(epochs=500, engine="compiled").fit(X, y)
    theirs = clone(clf).set_params(epochs=25, engine="keras").fit(X, y)
    np.testing.assert_array_equal(ours.coefs_[0], theirs.coefs_[0])
    a, b = ours.history_["loss"], theirs.history_["loss"]
    error = np.hypot(stats.sem(a), stats.sem(b))
    assert abs(a.mean() - b.mean()) < 4.5 * error
    # A tenth of the noise's effect would be seen.
    assert 4.5 * error < 0.1 * (a.mean() - without)
    assert stats.ks_2samp(a, b).pvalue > 1e-4


def test_keras_engine_is_reproducible_with_shuffling(blobs):
    X, y = blobs
    clf = NoisyMLPClassifier(nodes=8, epochs=3, batch_size=16, engine="keras", random_state=0)
    first = clf.fit(X, y).predict_proba(X)
    assert (clf.fit(X, y).predict_proba(X) == first).all()
    assert (clf.set_params(random_state=1).fit(X, y).predict_proba(X) != first).any()


def test_auto_falls_back_and_says_why(blobs):
    X, y = blobs
    clf = NoisyMLPClassifier(nodes=8, epochs=2, optimizer="lamb", random_state=0)
    with pytest.warns(UserWarning, match="'lamb' does not act element by element"):
        clf.fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    with pytest.raises(ValueError, match="engine='compiled' cannot be used"):
        clf.set_params(engine="compiled").fit(X, y)


@pytest.mark.parametrize(
    "options",
    [
        {"noise_weights": 0.1},
        {"noise_weights": (0, 0.1)},
        {"noise_gradient": 0.1},
        {"noise_target": 0.1},
        {"noise_schedule": "linear"},
        {"noise_schedule": lambda fraction: 1.0},
    ],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.parametrize("kind", [NoisyMLPClassifier, NoisyMLPRegressor])
def test_keras_engine_refuses_what_it_has_not(blobs, kind, options):
    X, y = blobs
    estimator = kind(8, epochs=1, random_state=0, **options)
    with pytest.raises(ValueError, match=next(iter(options))):
        estimator.set_params(engine="keras").fit(X, y)
    # The optimizer chooses Keras's loop.
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=next(iter(options))):
        estimator.set_params(engine="auto", optimizer="lamb").fit(X, y)


def test_the_scikeras_wrapper_is_fitted(blobs):
    X, y = blobs
    labels = np.array(["no", "perhaps", "yes"])[y]
    for engine in ("compiled", "keras"):
        clf = NoisyMLPClassifier(nodes=8, epochs=3, engine=engine, random_state=0).fit(X, labels)
        wrapper = clf.keras_classifier_
        assert wrapper is clf.keras_classifier_
        assert wrapper.model_ is clf.model_
        np.testing.assert_array_equal(wrapper.predict(X), clf.predict(X))
        # One can go on in scikeras.
        assert wrapper.partial_fit(X, labels).model_ is clf.model_


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_scikeras_wrapper_of_numbers_is_fitted(blobs, n_outputs):
    X, _ = blobs
    y = X[:, :n_outputs].squeeze()
    reg = NoisyMLPRegressor(nodes=8, epochs=3, random_state=0).fit(X, y)
    wrapper = reg.keras_regressor_
    assert wrapper.model_ is reg.model_
    np.testing.assert_allclose(wrapper.predict(X), reg.predict(X), atol=1e-5)
    assert wrapper.partial_fit(X, y).model_ is reg.model_


@saves
def test_the_keras_model_is_plain_and_saves(blobs, tmp_path):
    X, y = blobs
    clf = NoisyMLPClassifier((8, 4), noise_hidden=(0, 2.5), epochs=3, random_state=0).fit(X, y)
    kinds = [type(layer).__name__ for layer in clf.model_.layers]
    assert kinds == ["GaussianNoise", "Dense", "Dense", "Noise", "Activation", "Dense"]
    path = tmp_path / "model.keras"
    clf.model_.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.layers[3].stddev == 2.5
    for model in (clf.model_, loaded):
        p = model.predict(X, verbose=0)
        np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-6)
    # Noise is off at prediction, and on in training.
    noisy = np.asarray(clf.model_(X.astype("float32"), training=True))
    assert np.abs(noisy - clf.predict_proba(X)).max() > 0.01


LAWS = {
    "gaussian": stats.norm(),
    "uniform": stats.uniform(-(3**0.5), 12**0.5),
    "laplace": stats.laplace(scale=0.5**0.5),
}


@saves
@pytest.mark.parametrize("noise_kind", ["additive", "multiplicative"])
@pytest.mark.parametrize("distribution", LAWS)
def test_the_noise_of_a_saved_keras_model_is_right(rng, tmp_path, distribution, noise_kind):
    X = rng.normal(size=(50, 3)) * [1, 2, 4]
    relative = noise_kind == "additive"
    reg = NoisyMLPRegressor(
        8,
        noise_input=0.3,
        noise_hidden=1.7,
        noise_activation=0.6,
        noise_distribution=distribution,
        noise_kind=noise_kind,
        noise_relative=relative,
        noise_free=[2],
        dropout=0.25,
        max_norm=2,
        alpha=0.1,
        epochs=1,
        engine="keras",
        random_state=0,
    ).fit(X, X[:, 0])
    reg.model_.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0)[:, 0], reg.predict(X), atol=1e-5)
    levels = {
        "noise_input": 0.3 * (X.std(axis=0) if relative else 1) * np.array([1, 1, 0]),
        "noise_hidden_1": 1.7,
        "noise_activation_1": 0.6,
    }
    n = 4000
    for model in (reg.model_, loaded):
        for name, level in levels.items():
            width = 3 if name == "noise_input" else 8
            row = np.linspace(-1, 2, width).astype(np.float32)
            rows = np.tile(row, (n, 1))
            layer = model.get_layer(name)
            np.testing.assert_array_equal(layer(rows), rows)
            noise = np.asarray(layer(rows, training=True)).astype(float) - row
            scale = np.broadcast_to(level * (1 if relative else np.abs(row)), width)
            np.testing.assert_array_equal(noise[:, scale == 0], 0)
            draws = (noise[:, scale > 0] / scale[scale > 0]).ravel()
            assert stats.kstest(draws, LAWS[distribution].cdf).pvalue > 1e-4
            # The standard error of the mean of a square.
            squares = draws**2
            assert abs(squares.mean() - 1) < 4.5 * stats.sem(squares)
            assert stats.sem(squares) < 0.03
