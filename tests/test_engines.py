"""The compiled engine against Keras's own loop, and the choice between them."""

import keras
import numpy as np
import pytest

from sknoise import NoisyMLPClassifier

MOMENTUM = {"class_name": "SGD", "config": {"momentum": 0.9}}


def both(X, y, **options):
    """Fit by both engines."""
    clf = NoisyMLPClassifier(noise_input=0, noise_hidden=0, random_state=0, **options)
    fits = (NoisyMLPClassifier(**clf.get_params() | {"engine": e}) for e in ("compiled", "keras"))
    return [fit.fit(X, y) for fit in fits]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("nodes", [16, (16, 8)])
@pytest.mark.parametrize("optimizer", ["adam", MOMENTUM, "rmsprop"], ids=str)
def test_weights_agree_with_keras_after_50_epochs(blobs, n_classes, nodes, optimizer):
    X, y = blobs
    ours, theirs = both(
        X, np.minimum(y, n_classes - 1), nodes=nodes, optimizer=optimizer, epochs=50, shuffle=False
    )
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)
    for key in ("loss", "accuracy"):
        np.testing.assert_allclose(ours.history_[key], theirs.history_[key], atol=1e-4)


def test_minibatches_weights_and_validation_agree_with_keras(blobs, rng):
    X, y = blobs
    weight, val_weight = rng.uniform(size=40), rng.uniform(size=15)
    fits = [
        NoisyMLPClassifier(
            nodes=16,
            noise_input=0,
            noise_hidden=0,
            epochs=50,
            batch_size=16,
            shuffle=False,
            random_state=0,
            engine=engine,
        ).fit(X, y, weight, X_val=X[:15] + 0.1, y_val=y[:15], sample_weight_val=val_weight)
        for engine in ("compiled", "keras")
    ]
    for a, b in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert list(fits[0].history_) == list(fits[1].history_)
    for key, figures in fits[0].history_.items():
        np.testing.assert_allclose(figures, fits[1].history_[key], atol=1e-4, err_msg=key)


def test_noise_has_the_same_effect_as_kerass(circles):
    # Other draws, same distribution: the mean training loss over seeds agrees.
    X, _, y, _ = circles
    means = []
    for engine in ("compiled", "keras"):
        losses = [
            NoisyMLPClassifier(
                nodes=50,
                noise_input=0.5,
                noise_hidden=(1.5,),
                epochs=60,
                learning_rate=0.01,
                random_state=seed,
                engine=engine,
            )
            .fit(X, y)
            .history_["loss"][-30:]
            .mean()
            for seed in range(6)
        ]
        means.append((np.mean(losses), np.std(losses, ddof=1) / np.sqrt(len(losses))))
    (a, error_a), (b, error_b) = means
    assert abs(a - b) < 4 * np.hypot(error_a, error_b)
    assert np.hypot(error_a, error_b) < 0.03


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


def test_the_keras_model_is_plain_and_saves(blobs, tmp_path):
    X, y = blobs
    clf = NoisyMLPClassifier(nodes=(8, 4), noise_hidden=(0, 2.5), epochs=3, random_state=0).fit(
        X, y
    )
    kinds = [type(layer).__name__ for layer in clf.model_.layers]
    assert kinds == ["GaussianNoise", "Dense", "Dense", "WideGaussianNoise", "Activation", "Dense"]
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
