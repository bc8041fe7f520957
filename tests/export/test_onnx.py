"""Models converted to ONNX, run by onnxruntime: the same predictions."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from skl2onnx import to_onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import (
    NoisyMLPClassifier,
    NoisyMLPClassifierCV,
    NoisyMLPRegressor,
    NoisyMLPRegressorCV,
    register_onnx,
)
from sknoise.estimators import _prediction
from sknoise.export import _onnx

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(autouse=True)
def registered():
    register_onnx()


@pytest.fixture(name="X")
def features(rng):
    return rng.normal(size=(60, 3)).astype(np.float32)


def run(model, X, **options):
    """Convert a model and run it; give what it puts out."""
    converted = to_onnx(model, X[:1], options=options or None)
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (name,) = (i.name for i in session.get_inputs())
    return session.run(None, {name: X})


def piped(model, X, y):
    """Fit behind a scaler, on features of very different scale."""
    X = X * np.float32([100, 1, 0.01]) + np.float32([50, 0, 1])
    return make_pipeline(StandardScaler(), model).fit(X, y), X


LABELS = {
    "bools": lambda X: X[:, 0] > 0,
    "negative": lambda X: np.where(X[:, 0] > 0, 3, -(2**40)),
    "floats": lambda X: np.where(X[:, 0] > 0, 1.0, 2.0),
    "texts": lambda X: np.array(["a", "b", "ä"])[np.digitize(X[:, 0], [-0.5, 0.5])],
    "objects": lambda X: np.array(["a", "bb"], dtype=object)[(X[:, 0] > 0).astype(int)],
    "integers": lambda X: np.digitize(X[:, 0], [-0.5, 0, 0.5]),
    "one": lambda X: np.zeros(len(X), dtype=int),
    "several": lambda X: (X > 0).astype(int),
}


@pytest.mark.parametrize("behind_a_scaler", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_classifiers(X, kind, behind_a_scaler):
    y = LABELS[kind](X)
    noise = {"noise_input": 0.1, "noise_hidden": 0.1, "alpha": 0}
    clf = NoisyMLPClassifier((20, 5), epochs=10, learning_rate=0.01, random_state=0, **noise)
    model = clf.fit(X, y)
    if behind_a_scaler:
        model, X = piped(clf, X, y)
    labels, p = run(model, X, zipmap=False)
    np.testing.assert_allclose(p, model.predict_proba(X), **TOLERANCE)
    np.testing.assert_array_equal(labels, model.predict(X))
    assert len(np.unique(labels)) == (1 if kind == "one" else len(np.unique(y)))


@pytest.mark.parametrize("behind_a_scaler", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_regressors(X, loss, n_outputs, behind_a_scaler):
    y = (X[:, :n_outputs] ** 2).squeeze()
    reg = NoisyMLPRegressor(20, loss=loss, epochs=10, learning_rate=0.01, random_state=0)
    model = reg.fit(X, y)
    if behind_a_scaler:
        model, X = piped(reg, X, y)
    (out,) = run(model, X)
    assert out.shape == (60, n_outputs)
    np.testing.assert_allclose(out, model.predict(X).reshape(60, -1), **TOLERANCE)


def test_every_activation_has_a_conversion():
    assert set(_onnx.ACTIVATIONS) == set(_prediction.ACTIVATIONS)


@pytest.mark.parametrize("activation", _prediction.ACTIVATIONS)
def test_activations(X, activation):
    reg = NoisyMLPRegressor(3, epochs=1, random_state=0).fit(X, X[:, 0])
    # Put in place after the training, which would compile for each of them; and weights by which
    # the units' inputs span -7 to 7.
    reg._fitted = replace(reg._fitted, network=replace(reg._fitted.network, activation=activation))
    reg.coefs_ = [np.eye(3, dtype=np.float32), np.ones((3, 1), dtype=np.float32)]
    X = np.linspace(-7, 7, 300, dtype=np.float32).reshape(100, 3)
    (out,) = run(reg, X)
    scale = np.abs(reg.predict(X)).max()
    np.testing.assert_allclose(out[:, 0] / scale, reg.predict(X) / scale, **TOLERANCE)


def test_double_precision_and_integers_go_in_too(X):
    model, X = piped(NoisyMLPClassifier(5, epochs=3, random_state=0), X, X[:, 0] > 0)
    for rows in (X.astype(np.float64), X.astype(np.int64)):
        _, p = run(model, rows, zipmap=False)
        np.testing.assert_allclose(p, model.predict_proba(rows), **TOLERANCE)


def test_labels_that_onnx_has_not_got_are_refused(X):
    y = np.array([1, 2**63 + 5], dtype=np.uint64)[(X[:, 0] > 0).astype(int)]
    clf = NoisyMLPClassifier(5, epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"64-bit integers, which classes_=\[ *1 9223"):
        to_onnx(clf, X[:1])


def test_dictionaries_and_labels_as_skl2onnx_gives_them(X):
    y = LABELS["texts"](X)
    clf = NoisyMLPClassifier(5, epochs=3, random_state=0).fit(X, y)
    p = clf.predict_proba(X)
    _, dictionaries = run(clf, X)
    assert list(dictionaries[0]) == list(clf.classes_)
    np.testing.assert_allclose([list(d.values()) for d in dictionaries], p, **TOLERANCE)
    *_, labels = run(clf, X, zipmap=False, output_class_labels=True)
    assert list(labels) == list(clf.classes_)


def test_the_library_needs_no_onnx():
    code = "import sknoise, sys; print({'onnx', 'skl2onnx', 'onnxruntime'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize("estimator", [NoisyMLPClassifierCV, NoisyMLPRegressorCV])
def test_what_has_chosen_one_network(X, estimator):
    options = {"cv": 3, "epochs": 4, "noise_inputs": [0], "alphas": [0.1], "random_state": 0}
    y = (X[:, 0] > 0).astype(int) if estimator is NoisyMLPClassifierCV else X[:, 0]
    model = estimator(8, ensemble=False, **options).fit(X, y)
    if estimator is NoisyMLPClassifierCV:
        label, p = run(model, X, zipmap=False)
        np.testing.assert_allclose(p, model.predict_proba(X), **TOLERANCE)
        assert np.array_equal(label, model.predict(X))
    else:
        np.testing.assert_allclose(run(model, X)[0][:, 0], model.predict(X), **TOLERANCE)
    several = model.set_params(ensemble=True).fit(X, y)
    with pytest.raises(ValueError, match=r"ensemble=True has several networks.*ensemble=False"):
        to_onnx(several, X[:1])
