"""What the regressor promises beyond scikit-learn's checks; and several labels a row."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import d2_absolute_error_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor


@pytest.fixture
def waves(rng):
    X = rng.uniform(-2, 2, size=(60, 2))
    return X, np.column_stack([np.sin(X[:, 0]), X[:, 1] ** 2])


def small(**options):
    defaults = {"nodes": 20, "epochs": 100, "learning_rate": 0.01, "random_state": 0}
    return NoisyMLPRegressor(**defaults | options)


def test_several_targets_are_learnt_in_their_own_shape(waves):
    X, y = waves
    both = small().fit(X, y)
    assert both.predict(X).shape == (60, 2)
    assert both.n_outputs_ == 2
    assert both.score(X, y) > 0.8
    one = small().fit(X, y[:, 0])
    assert one.predict(X).shape == (60,)
    with pytest.warns(match="column-vector y was passed"):
        column = small().fit(X, y[:, :1])
    np.testing.assert_array_equal(column.predict(X), one.predict(X))


def test_absolute_error_is_minimised_by_absolute_error(waves, rng):
    X, y = waves
    # A few rows are far off: squares would follow them.
    y = y[:, 0] + 20 * (rng.uniform(size=60) < 0.1)
    scores = {
        loss: d2_absolute_error_score(y, small(loss=loss).fit(X, y).predict(X))
        for loss in ("absolute_error", "huber", "squared_error")
    }
    assert scores["absolute_error"] > scores["squared_error"] + 0.1
    assert scores["huber"] > scores["squared_error"] + 0.1


def test_counts_by_poisson(rng):
    X = rng.normal(size=(200, 2))
    y = rng.poisson(np.exp(1 + X @ [0.5, -0.3]))
    ours = small(loss="poisson", noise_input=0, noise_hidden=0).fit(X, y).predict(X)
    theirs = PoissonRegressor(alpha=0).fit(X, y).predict(X)
    assert ours.min() > 0
    assert np.corrcoef(np.log(ours), np.log(theirs))[0, 1] > 0.9


def test_warm_start_and_partial_fit_go_on(waves):
    X, y = waves
    relative = {"noise_input": 0.1, "noise_relative": True}
    long = small(epochs=6, **relative).fit(X, y)
    warm = small(epochs=3, warm_start=True, **relative).fit(X, y).fit(X, y)
    steps = small(**relative)
    for _ in range(6):
        steps.partial_fit(X, y)
    for other in (warm, steps):
        np.testing.assert_array_equal(other.coefs_[0], long.coefs_[0])
        assert other.n_iter_ == 6


def test_searches_in_stacks(waves):
    X, y = waves
    search = GridSearchCV(small(epochs=20), {"dropout": [0, 0.2], "alpha": [0, 0.1]}, cv=3)
    alone = clone(search).fit(X, y).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="sknoise"):
        together = clone(search).fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_allclose(together, alone, atol=1e-4)


OPTIONS = [{}, {"early_stopping": True, "patience": 3}, {"alpha": 1.0, "noise_relative": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_weight_two_is_a_row_twice_to_the_last_bit(waves, options):
    X, y = waves
    # Of rows given so often, early stopping holds a part out.
    times = [(1, 2, 9)[i % 3] for i in range(len(X))]
    reg = small(epochs=20, **options)
    weighted = reg.fit(X, y, sample_weight=times).predict(X)
    n_weighted = reg.n_iter_
    repeated = reg.fit(X.repeat(times, axis=0), y.repeat(times, axis=0)).predict(X)
    assert (weighted == repeated).all()
    assert reg.n_iter_ == n_weighted
    # Nor does the order of the rows matter, for what is held out either.
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = reg.fit(X[order], y[order], sample_weight=np.take(times, order)).predict(X)
    assert (weighted == shuffled).all()


def test_held_out_rows_are_of_all_classes(blobs):
    X, y = blobs
    clf = NoisyMLPClassifier(10, epochs=30, early_stopping=True, validation_fraction=0.2)
    clf.set_params(random_state=0).fit(X, y)
    # 13 or 14 rows of each class: three of each are validated on, and figures are means of nine.
    ninths = clf.history_["val_accuracy"] * 9
    np.testing.assert_allclose(ninths, ninths.round(), atol=1e-5)
    assert len(clf.history_["val_loss"]) == clf.n_iter_


@pytest.mark.parametrize("options", [{}, {"shuffle": False, "batch_size": 64}], ids=str)
def test_no_cell_of_a_table_is_held_out_whole(rng, options):
    X = rng.integers(2, size=(400, 2)).astype(float)
    y = X[:, 0] != X[:, 1]
    rule = {"early_stopping": True, "patience": 50, "learning_rate": 0.01, "random_state": 0}
    for estimator in (NoisyMLPClassifier(20, **rule), NoisyMLPRegressor(20, **rule)):
        assert estimator.set_params(**options).fit(X, y).score(X, y) > 0.9


def test_class_weights_repeat_no_row(blobs):
    X, y = blobs
    clf = NoisyMLPClassifier(10, epochs=30, early_stopping=True, random_state=0)
    # Taken for repetitions, the first would hold a part of each row out.
    a, b = ({0: c, 1: 20 * c, 2: 9 * c} for c in (1, 1.25))
    a, b = (clone(clf).set_params(class_weight=w).fit(X, y) for w in (a, b))
    np.testing.assert_allclose(a.history_["val_loss"], b.history_["val_loss"], rtol=1e-4)


def test_noise_free_features_by_name(blobs):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["a", "b"])
    clf = NoisyMLPClassifier(10, epochs=5, noise_input=0.1, noise_hidden=0, random_state=0)
    by_name = clone(clf).set_params(noise_free=["a", "b"]).fit(frame, y)
    quiet = clone(clf).set_params(noise_input=0).fit(frame, y)
    np.testing.assert_allclose(by_name.coefs_[0], quiet.coefs_[0], atol=1e-6)
    assert (
        clone(clf).set_params(noise_free=["a"]).fit(frame, y).coefs_[0] != quiet.coefs_[0]
    ).any()


def test_several_labels_a_row(rng):
    X = rng.normal(size=(80, 4))
    y = (X[:, :3] > 0).astype(int)
    clf = NoisyMLPClassifier(20, epochs=100, learning_rate=0.01, random_state=0).fit(X, y)
    assert clf.score(X, y) > 0.8
    p = clf.predict_proba(X)
    assert p.shape == (80, 3)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), p)
    np.testing.assert_array_equal(clf.predict(X), p > 0.5)
    np.testing.assert_array_equal(clf.keras_classifier_.predict(X, verbose=0), clf.predict(X))
    with joblib.parallel_config(backend="sknoise"):
        assert cross_val_score(clf, X, y, cv=3).mean() > 0.4
