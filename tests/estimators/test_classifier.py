"""The estimator's own promises: reproducibility, warm starts, attributes, global state."""

import random
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sknoise import NoisyMLPClassifier, clear_cache
from sknoise.training._cache import cached_programs

# What a weight does to levels that follow from the data is another question.
NOISE = {"noise_input": 0.1, "noise_hidden": 0.1, "alpha": 0}


def small(**options):
    return NoisyMLPClassifier(**{"nodes": 20, "epochs": 20, "random_state": 0} | options)


@pytest.mark.parametrize("batch_size", [None, 8])
def test_same_random_state_same_bits(circles, batch_size):
    X, _, y, _ = circles
    clf = small(batch_size=batch_size)
    p = clf.fit(X, y).predict_proba(X)
    assert (clone(clf).fit(X, y).predict_proba(X) == p).all()
    assert (small(batch_size=batch_size, random_state=1).fit(X, y).predict_proba(X) != p).any()
    # The order of the rows changes nothing.
    order = np.random.default_rng(0).permutation(len(X))
    assert (clf.fit(X[order], y[order]).predict_proba(X) == p).all()


def test_random_state_none_differs_and_an_instance_moves_on(circles):
    X, _, y, _ = circles
    for state in (None, np.random.RandomState(0)):
        clf = small(random_state=state)
        first = clf.fit(X, y).predict_proba(X)
        assert (clf.fit(X, y).predict_proba(X) != first).any()
    same = [small(random_state=np.random.RandomState(5)).fit(X, y).coefs_[0] for _ in range(2)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize("batch_size", [None, 8])
def test_stack_of_seven_noise_levels_is_seven_fits(circles, batch_size, monkeypatch):
    from sknoise.training import _stack

    X, X_test, y, _ = circles
    levels = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    fits = [small(nodes=50, epochs=200, batch_size=batch_size, noise_hidden=s) for s in levels]
    tasks = []
    train = _stack.train_stack
    monkeypatch.setattr(
        _stack, "train_stack", lambda ts, *rest: tasks.append(ts[0]) or train(ts, *rest)
    )
    for clf in fits:
        clf.fit(X, y)
    for clf, member in zip(fits, train(tasks), strict=True):
        alone = clf.predict_proba(X_test)
        clf.coefs_, clf.intercepts_ = member.state.weights[::2], member.state.weights[1::2]
        np.testing.assert_allclose(clf.predict_proba(X_test), alone, atol=1e-4)


def test_a_grid_over_run_time_parameters_compiles_once(circles):
    X, _, y, _ = circles
    grid = {
        "noise_hidden": (0.001, 0.01, 0.1, 0.2, 0.7, 1.0),
        "noise_input": (0.01, 0.1, 0.2, 0.3, 0.4, 2.0),
        "learning_rate": (1e-5, 1e-4, 1e-3, 2e-3, 1e-2, 2e-2),
        "epochs": (1, 2, 3, 5, 8, 13),
        "random_state": range(6),
    }
    clear_cache()
    for name, values in grid.items():
        for value in values:
            small(**{name: value}).fit(X, y)
    assert [program.n_traces for program in cached_programs()] == [1]


def global_states():
    """Draw from every global generator."""
    return (
        np.random.random(),  # noqa: NPY002
        random.random(),
        float(tf.random.normal([])),
        float(keras.random.normal([])),
    )


@pytest.mark.parametrize("engine", ["compiled", "keras"])
@pytest.mark.parametrize("random_state", [None, 0])
def test_no_global_random_state_is_touched(circles, engine, random_state):
    X, X_test, y, y_test = circles
    clf = small(epochs=2, engine=engine, random_state=random_state, batch_size=8)

    def fit():
        clf.fit(X, y, X_val=X_test, y_val=y_test).predict(X)
        clf.model_.summary(print_fn=lambda *_, **__: None)

    def between(action):
        # Older versions' set_random_seed leaves Keras's own generator as it is.
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        before = global_states()
        action()
        return before, global_states()

    assert between(fit) == between(lambda: None)
    # Op determinism, once on, would refuse this.
    tf.random.set_seed(None)
    tf.random.normal([])


def test_two_threads_give_what_one_gives(circles):
    X, _, y, _ = circles
    fits = [small(random_state=seed, epochs=100, nodes=n) for seed in range(4) for n in (20, 21)]
    alone = [clone(clf).fit(X, y).predict_proba(X) for clf in fits]
    clear_cache()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda clf: clf.fit(X, y).predict_proba(X), fits))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("engine", ["compiled", "keras"])
def test_warm_start_goes_on(circles, engine):
    X, X_test, y, y_test = circles
    clf = small(warm_start=True, engine=engine, batch_size=8, epochs=6)
    whole = clone(clf).set_params(epochs=12).fit(X, y)
    clf.fit(X, y).fit(X, y, X_val=X_test, y_val=y_test)
    assert clf.n_iter_ == 12
    assert all(len(figures) == 12 for figures in clf.history_.values())
    assert np.isnan(clf.history_["val_loss"][:6]).all()
    assert np.isfinite(clf.history_["val_loss"][6:]).all()
    if engine == "compiled":
        np.testing.assert_array_equal(clf.history_["loss"], whole.history_["loss"])
        np.testing.assert_array_equal(clf.coefs_[0], whole.coefs_[0])
    # Another optimizer starts anew from the same weights; another network cannot.
    clf.set_params(optimizer="sgd").fit(X, y)
    assert clf.n_iter_ == 18
    with pytest.raises(ValueError, match="another network"):
        clf.set_params(nodes=7).fit(X, y)
    with pytest.raises(ValueError, match=r"needs the classes .*\[0 1\], but y has \[0 1 2\]"):
        clf.set_params(nodes=20).fit(X, np.arange(30) % 3)


def test_warm_start_with_the_other_engine_starts_a_new_optimizer(circles):
    X, _, y, _ = circles
    clf = small(warm_start=True).fit(X, y).set_params(engine="keras").fit(X, y)
    assert clf.set_params(engine="compiled").fit(X, y).n_iter_ == 60


def test_partial_fit_is_one_epoch_a_call(circles):
    X, _, y, _ = circles
    whole = small(epochs=4).fit(X, y)
    clf = small(epochs=99)
    for i in range(4):
        clf.partial_fit(X, y, classes=[0, 1])
        assert clf.n_iter_ == i + 1
        assert len(clf.history_["loss"]) == i + 1
    np.testing.assert_array_equal(clf.coefs_[0], whole.coefs_[0])
    clf.partial_fit(X[y == 1], y[y == 1])
    with pytest.raises(ValueError, match=r"y has the labels \[2\]"):
        clf.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="classes must be passed"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match="not the same as on last call"):
        clf.partial_fit(X, y, classes=[0, 1, 2])


def test_partial_fit_finds_the_columns_of_labels_itself(blobs):
    X, _ = blobs
    y = (X[:, [0, 1, 0]] > [0, 1, 3]).astype(int)
    clf, told = small(), small()
    for _ in range(3):
        clf.partial_fit(X, y)
        told.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(clf.coefs_[0], told.coefs_[0])
    np.testing.assert_array_equal(clf.coefs_[0], small(epochs=3).fit(X, y).coefs_[0])


def test_one_weight_for_all_rows_is_none(circles):
    X, _, y, _ = circles
    weighted, plain = small().fit(X, y, sample_weight=2.5), small().fit(X, y)
    np.testing.assert_array_equal(weighted.coefs_[0], plain.coefs_[0])


@pytest.mark.parametrize(
    ("labels", "n_columns"),
    [
        (["no", "yes"], 2),
        ([False, True], 2),
        ([-1, 5], 2),
        ([1.0, 2.0, 3.0], 3),
        (np.array(["a", "b", "c"], dtype=object), 3),
        (["only"], 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("engine", ["compiled", "keras"])
def test_labels_of_any_type(circles, labels, n_columns, engine):
    X = circles[0]
    labels = np.asarray(labels)
    y = labels[np.arange(len(X)) % len(labels)]
    clf = small(engine=engine, epochs=3).fit(X, y)
    np.testing.assert_array_equal(clf.classes_, labels)
    assert clf.predict(X).dtype == labels.dtype
    assert clf.predict_proba(X).shape == (len(X), n_columns)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X))
    if n_columns == 1:
        assert (clf.predict(X) == labels[0]).all()
        assert (clf.predict_proba(X) == 1).all()


def test_attributes_have_their_shapes(blobs):
    X, y = blobs
    clf = small(nodes=(6, 5)).fit(X, y, X_val=X, y_val=y)
    assert [w.shape for w in clf.coefs_] == [(2, 6), (6, 5), (5, 3)]
    assert [b.shape for b in clf.intercepts_] == [(6,), (5,), (3,)]
    assert clf.n_iter_ == 20
    assert list(clf.history_) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert {figures.shape for figures in clf.history_.values()} == {(20,)}
    assert clf.n_features_in_ == 2
    assert not hasattr(clf, "feature_names_in_")
    # The last epoch's validation figures are of the model that predicts.
    assert clf.history_["val_accuracy"][-1] == pytest.approx(clf.score(X, y))


def test_the_noise_is_off_at_prediction(circles):
    X, _, y, _ = circles
    clf = small(noise_input=5.0, noise_hidden=5.0).fit(X, y)
    assert (clf.predict_proba(X) == clf.predict_proba(X)).all()
    h = np.maximum(X @ clf.coefs_[0] + clf.intercepts_[0], 0)
    z = h @ clf.coefs_[1] + clf.intercepts_[1]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1:], 1 / (1 + np.exp(-z)), rtol=1e-6)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames(circles, frame):
    X, X_test, y, y_test = circles
    table = frame({"a": X[:, 0], "b": X[:, 1]})
    test = frame({"a": X_test[:, 0], "b": X_test[:, 1]})
    clf = small().fit(table, y, X_val=test, y_val=y_test)
    assert list(clf.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(clf.predict_proba(table), small().fit(X, y).predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame({"a": X[:, 0], "c": X[:, 1]}))
    with pytest.raises(ValueError, match="feature names"):
        small().fit(table, y, X_val=frame({"a": X_test[:, 0], "c": X_test[:, 1]}), y_val=y_test)


def test_class_weight_of_a_class_that_a_part_has_not_got(circles):
    X, _, y, _ = circles
    # No whole number, which would be repetitions of rows, and make larger steps.
    clf = small(class_weight={0: 4.5}, **NOISE)
    clf.partial_fit(X, y, classes=[0, 1]).partial_fit(X[y == 1], y[y == 1])
    same = small(**NOISE).partial_fit(X, y, classes=[0, 1], sample_weight=np.where(y, 1.0, 4.5))
    same.partial_fit(X[y == 1], y[y == 1])
    np.testing.assert_array_equal(clf.coefs_[0], same.coefs_[0])


def test_class_weight(circles):
    X, _, _, _ = circles
    y = (np.arange(30) < 24).astype(int)
    weight = np.where(y == 1, 1.0, 4.0)
    by_class = small(class_weight={0: 4.0}, **NOISE).fit(X, y)
    by_row = small(**NOISE).fit(X, y, weight)
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])
    balanced = small(class_weight="balanced", **NOISE).fit(X, y)
    np.testing.assert_allclose(balanced.coefs_[0], by_class.coefs_[0], atol=1e-5)
    # Sample weights count in the balance.
    none_left = small(class_weight="balanced", **NOISE).fit(X, y, weight)
    np.testing.assert_allclose(none_left.coefs_[0], by_class.coefs_[0], atol=1e-5)


def test_verbose_shows_one_bar_and_silence_is_the_default(circles, capsys):
    X, _, y, _ = circles
    small().fit(X, y)
    assert capsys.readouterr() == ("", "")
    for engine in ("compiled", "keras"):
        small(verbose=1, engine=engine, epochs=3).fit(X, y)
        out = capsys.readouterr().out
        assert "3/3" in out
        assert "loss:" in out
        assert out.count("\n") == 1


def test_not_fitted(circles):
    X = circles[0]
    for call in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(small(), call)(X)
    for attribute in ("model_", "keras_classifier_"):
        with pytest.raises(NotFittedError):
            getattr(small(), attribute)
