"""What cannot be used is refused before any training, by an error that names it."""

import numpy as np
import pytest
from scipy import sparse

from sknoise import NoisyMLPClassifier
from sknoise.training import _stack

X = np.random.default_rng(0).normal(size=(20, 3))
y = np.arange(20) % 2


@pytest.fixture(autouse=True)
def no_training(monkeypatch, request):
    """Fail where training starts."""
    if "trains" not in request.keywords:

        def refuse(*_):
            raise AssertionError("training has started")

        monkeypatch.setattr(_stack, "train_stack", refuse)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"noise_input": -0.1}, r"'noise_input' .* Got -0.1"),
        ({"noise_input": np.inf}, "'noise_input' .* Got inf"),
        ({"noise_input": "a lot"}, "'noise_input' .* Got 'a lot'"),
        ({"noise_hidden": -1}, "'noise_hidden' .* Got -1"),
        ({"noise_hidden": (0.1, 0.2)}, r"noise_hidden=\(0.1, 0.2\) has 2 levels, .* 1 hidden"),
        ({"noise_hidden": (), "nodes": 5}, r"noise_hidden=\(\) has 0 levels"),
        ({"noise_hidden": (0.1, -1), "nodes": (5, 5)}, r"noise_hidden=\(0.1, -1\) must be"),
        ({"noise_hidden": (0.1, np.nan), "nodes": (5, 5)}, "noise_hidden=.* must be"),
        ({"noise_hidden": (0.1, "b"), "nodes": (5, 5)}, "noise_hidden=.* must be"),
        ({"nodes": 0}, "'nodes' .* Got 0"),
        ({"nodes": -5}, "'nodes' .* Got -5"),
        ({"nodes": 5.0}, "'nodes' .* Got 5.0"),
        ({"nodes": ()}, r"nodes=\(\) must be a positive integer"),
        ({"nodes": (5, 0)}, r"nodes=\(5, 0\) must be a positive integer"),
        ({"nodes": (5, 2.0)}, r"nodes=\(5, 2.0\) must be a positive integer"),
        ({"nodes": "many"}, "'nodes' .* Got 'many'"),
        ({"activation": "rleu"}, "'activation' .* Got 'rleu'"),
        ({"activation": "softmax"}, "'activation' .* Got 'softmax'"),
        ({"optimizer": "adamm"}, "optimizer='adamm' .* not known to Keras"),
        ({"optimizer": 3}, "'optimizer' .* Got 3"),
        ({"optimizer": {"class_name": "SGD", "config": {"momentun": 0.9}}}, "momentun"),
        ({"optimizer": {"name": "SGD"}}, "optimizer=.* must be a Keras optimizer's name"),
        (
            {"optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.1}}},
            "give that as the parameter learning_rate",
        ),
        ({"optimizer": {"class_name": "SGD", "config": {"momentum": 1j}}}, "plain numbers"),
        ({"learning_rate": 0}, "'learning_rate' .* Got 0"),
        ({"learning_rate": np.inf}, "'learning_rate' .* Got inf"),
        ({"engine": "jax"}, "'engine' .* Got 'jax'"),
        ({"epochs": 0}, "'epochs' .* Got 0"),
        ({"epochs": 1.5}, "'epochs' .* Got 1.5"),
        ({"batch_size": 0}, "'batch_size' .* Got 0"),
        ({"batch_size": "large"}, "'batch_size' .* Got 'large'"),
        ({"shuffle": "no"}, "'shuffle' .* Got 'no'"),
        ({"class_weight": "fair"}, "'class_weight' .* Got 'fair'"),
        ({"class_weight": {0: -1.0}}, r"class_weight=\{0: -1.0\} leaves weights that are neg"),
        ({"class_weight": {0: 0, 1: 0}}, "class_weight=.* all 0"),
        ({"random_state": "seed"}, "'random_state' .* Got 'seed'"),
    ],
    ids=str,
)
def test_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        NoisyMLPClassifier(**parameters).fit(X, y)


def replaced(value):
    out = X.copy()
    out[3, 1] = value
    return out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": replaced(np.nan)}, "X contains NaN"),
        ({"X": replaced(np.inf)}, "X contains infinity"),
        ({"X": replaced(1e300)}, "X contains infinity or a value too large"),
        ({"X": X[:, 0]}, "Expected 2D array"),
        ({"X": X[:0], "y": y[:0]}, "0 sample"),
        ({"X": X[:, :0]}, "0 feature"),
        ({"X": X[:10]}, "inconsistent numbers of samples"),
        ({"X": X + 1j}, "Complex data not supported"),
        ({"y": X[:, 0]}, "Unknown label type: continuous"),
        ({"y": X}, "should be a 1d array"),
        ({"y": np.where(y, np.nan, 1.0)}, "y contains NaN"),
        ({"sample_weight": -np.ones(20)}, "Negative values in sample_weight: -1.0"),
        ({"sample_weight": np.zeros(20)}, "All weights in sample_weight are zero"),
        ({"sample_weight": np.full(20, np.nan)}, "sample_weight contains NaN"),
        ({"sample_weight": np.ones(19)}, r"sample_weight.shape == \(19,\), expected \(20,\)"),
        ({"X_val": X}, "X_val is given without y_val"),
        ({"y_val": y}, "y_val is given without X_val"),
        ({"sample_weight_val": np.ones(20)}, "sample_weight_val is given without X_val"),
        ({"X_val": X[:, :2], "y_val": y}, "X_val has 2 features, but X has 3"),
        ({"X_val": replaced(np.nan), "y_val": y}, "X_val contains NaN"),
        ({"X_val": X, "y_val": y[:5]}, "y_val has 5 labels, but X_val has 20 rows"),
        ({"X_val": X, "y_val": y + 1}, r"y_val has the labels \[2\]"),
        ({"X_val": X, "y_val": y, "sample_weight_val": -np.ones(20)}, "sample_weight_val: -1"),
    ],
    ids=str,
)
def test_data(arguments, message):
    with pytest.raises(ValueError, match=message):
        NoisyMLPClassifier().fit(**{"X": X, "y": y} | arguments)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array])
def test_sparse_data(kind):
    with pytest.raises(TypeError, match="dense data is required"):
        NoisyMLPClassifier().fit(kind(X), y)


@pytest.mark.trains
def test_other_data_at_prediction():
    clf = NoisyMLPClassifier(5, epochs=2).fit(X, y)
    with pytest.raises(
        ValueError, match="X has 2 features, but NoisyMLPClassifier is expecting 3"
    ):
        clf.predict(X[:, :2])
    with pytest.raises(ValueError, match="X contains NaN"):
        clf.predict_proba(replaced(np.nan))
    with pytest.raises(TypeError, match="dense data is required"):
        clf.predict(sparse.csr_array(X))


@pytest.mark.trains
@pytest.mark.parametrize("engine", ["compiled", "keras"])
def test_divergence_is_told_with_what_to_change(engine):
    clf = NoisyMLPClassifier(
        5, epochs=50, optimizer="sgd", learning_rate=1e30, engine=engine, random_state=0
    )
    with pytest.raises(ValueError, match=r"diverged: the loss was (nan|inf) in epoch .* Scale"):
        clf.fit(X * 1e10, y)


@pytest.mark.trains
def test_a_failed_fit_leaves_the_fitted_model_alone():
    clf = NoisyMLPClassifier(5, epochs=2, warm_start=True, random_state=0).fit(X, y)
    p = clf.predict_proba(X)
    with pytest.raises(ValueError, match="'epochs'"):
        clf.set_params(epochs=0).fit(X, y)
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(epochs=50, optimizer="sgd", learning_rate=1e30).fit(X * 1e10, y)
    np.testing.assert_array_equal(clf.predict_proba(X), p)
    assert clf.n_iter_ == 2


def test_another_keras_backend(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="Keras's backend is 'jax'"):
        NoisyMLPClassifier().fit(X, y)
