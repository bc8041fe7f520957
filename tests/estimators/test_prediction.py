"""Prediction in NumPy against Keras."""

import keras
import numpy as np
import pytest

from sknoise import NoisyMLPRegressor
from sknoise.estimators import _prediction
from sknoise.estimators._prediction import ACTIVATIONS, log_probabilities, logits, probabilities

X = np.concatenate([np.linspace(-30, 30, 601), [0.0, 1e-8, -1e-8]])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_are_kerass(name):
    theirs = np.asarray(keras.activations.get(name)(X.astype("float32")))
    ours = ACTIVATIONS[name](X.astype("float32").astype("float64"))
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


def test_every_elementwise_activation_of_keras_is_there():
    # What is missing needs an argument or looks at more than one unit.
    keras_names = set(keras.src.activations.ALL_OBJECTS_DICT)
    other = {
        "celu",
        "glu",
        "hard_shrink",
        "hard_tanh",
        "log_sigmoid",  # not known by name to the oldest Keras
        "log_softmax",
        "soft_shrink",
        "softmax",
        "sparse_plus",
        "sparse_sigmoid",
        "sparsemax",
        "squareplus",
        "tanh_shrink",
        "threshold",
    }
    assert {n for n in keras_names if n == n.lower()} - other == set(ACTIVATIONS)


def test_blocks_of_rows_change_no_bit(rng, monkeypatch):
    coefs = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 50), (50, 20), (20, 4))]
    intercepts = [rng.normal(size=w.shape[1]).astype(np.float32) for w in coefs]
    rows = rng.normal(size=(1_000, 3))
    whole = logits(rows, coefs, intercepts, "relu")
    h = rows
    for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        h = np.maximum(h @ W.astype(float) + b, 0)
    np.testing.assert_allclose(whole, h @ coefs[-1].astype(float) + intercepts[-1], rtol=1e-10)
    monkeypatch.setattr(_prediction, "_BLOCK_BYTES", 8 * 50 * 64)
    np.testing.assert_allclose(logits(rows, coefs, intercepts, "relu"), whole, rtol=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_rows_in_single_precision_are_computed_so(rng, activation):
    coefs = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 50), (50, 3))]
    intercepts = [rng.normal(size=w.shape[1]).astype(np.float32) for w in coefs]
    rows = rng.normal(size=(100, 3)).astype(np.float32)
    z = logits(rows, coefs, intercepts, activation)
    assert z.dtype == np.float64
    exact = logits(rows.astype(np.float64), coefs, intercepts, activation)
    np.testing.assert_allclose(z, exact, rtol=1e-4, atol=1e-4)
    assert (z != exact).any()


def test_targets_in_their_own_units_keep_double_precision(rng):
    X = rng.normal(size=(60, 2)).astype(np.float32)
    y = 1e8 + X[:, 0].astype(np.float64)
    reg = NoisyMLPRegressor(10, epochs=20, random_state=0).fit(X, y)
    out = reg.predict(X)
    assert out.dtype == np.float64
    # Single precision has steps of 8 here.
    np.testing.assert_allclose(out, reg.predict(X.astype(np.float64)), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("output", "n_outputs"), [("sigmoid", 1), ("softmax", 3), ("softmax", 1)])
def test_probabilities(output, n_outputs, rng):
    z = np.concatenate([rng.normal(size=(20, n_outputs)), np.full((1, n_outputs), 800.0)])
    z[-1, 0] = -800
    p = probabilities(z.copy(), output)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    log_p = log_probabilities(z, output)
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p), p, atol=1e-300)
