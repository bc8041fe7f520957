"""scikit-learn's tools around the estimator, in one process and in two."""

import inspect

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier


@pytest.fixture
def clf():
    return NoisyMLPClassifier(nodes=10, epochs=5, random_state=0)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_articles_grid_search(circles, n_jobs):
    X, _, y, _ = circles
    grid = {"nodes": [50, 100, 300, 500], "noise_hidden": [0.001, 0.01, 0.1, 0.2, 0.7, 1]}
    estimator = NoisyMLPClassifier(
        noise_input=0, epochs=3, learning_rate=0.01, batch_size=None, random_state=0
    )
    search = GridSearchCV(estimator, grid, cv=5, n_jobs=n_jobs, error_score="raise").fit(X, y)
    assert len(search.cv_results_["mean_test_score"]) == 24
    best = clone(estimator).set_params(**search.best_params_)
    scores = cross_val_score(best, X, y, cv=5)
    assert search.best_score_ == pytest.approx(scores.mean())
    np.testing.assert_array_equal(search.predict_proba(X), best.fit(X, y).predict_proba(X))


def test_processes_give_what_one_gives(circles, clf):
    X, X_test, y, y_test = circles
    X, y = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    one, two = (
        cross_validate(clf, X, y, n_jobs=n, scoring="neg_log_loss", return_estimator=True)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one["test_score"], two["test_score"])
    for a, b in zip(one["estimator"], two["estimator"], strict=True):
        np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])


def test_pipeline_with_a_searched_noise(blobs, clf):
    X, y = blobs
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", clf)])
    grid = {"mlp__noise_hidden": [0.0, 0.5], "mlp__noise_input": [0.0, 0.5]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X * 1e4, y)
    assert search.best_estimator_["mlp"].noise_hidden in (0.0, 0.5)
    by_hand = clone(clf).set_params(
        noise_hidden=search.best_params_["mlp__noise_hidden"],
        noise_input=search.best_params_["mlp__noise_input"],
    )
    scaled = StandardScaler().fit_transform(X * 1e4)
    np.testing.assert_array_equal(search.predict(X * 1e4), by_hand.fit(scaled, y).predict(scaled))


def test_calibration_bagging_and_importance(blobs, clf):
    X, y = blobs
    calibrated = CalibratedClassifierCV(clf, cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    bagged = BaggingClassifier(clf, n_estimators=3, random_state=0).fit(X, y)
    np.testing.assert_allclose(bagged.predict_proba(X).sum(axis=1), 1)
    keys = {tuple(member.coefs_[0].ravel()) for member in bagged.estimators_}
    assert len(keys) == 3
    wide = np.hstack([X, np.zeros((len(X), 1))])
    trained = clone(clf).set_params(epochs=100, learning_rate=0.01).fit(wide, y)
    importance = permutation_importance(trained, wide, y, n_repeats=3, random_state=0)
    assert importance.importances_mean[2] == 0
    assert importance.importances_mean[:2].max() > 0


def test_clone_and_set_params(clf):
    clf.set_params(noise_hidden=0.7, nodes=(4, 3))
    copy = clone(clf)
    assert copy.get_params() == clf.get_params()
    assert set(copy.get_params()) == set(inspect.signature(NoisyMLPClassifier).parameters)
    with pytest.raises(ValueError, match="Invalid parameter 'noise'"):
        clf.set_params(noise=1)


def test_html_representation(blobs, clf):
    X, y = blobs
    assert "NoisyMLPClassifier" in clf._repr_html_()
    assert "NoisyMLPClassifier" in clf.fit(X, y)._repr_html_()


def test_metadata_routing(blobs, clf):
    X, y = blobs
    weight = np.where(y == 0, 5.0, 1.0)
    X_val, y_val = X[:10], y[:10]
    with sklearn.config_context(enable_metadata_routing=True):
        clf.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, clf, transform_input=["X_val"])
        pipeline.fit(X, y, sample_weight=weight, X_val=X_val, y_val=y_val)
        scaler = StandardScaler().fit(X)
        by_hand = clone(clf).fit(
            scaler.transform(X), y, weight, X_val=scaler.transform(X_val), y_val=y_val
        )
        for key, figures in by_hand.history_.items():
            np.testing.assert_array_equal(pipeline[-1].history_[key], figures)
        weighted = cross_validate(
            clone(clf).set_score_request(sample_weight=False),
            X,
            y,
            params={"sample_weight": weight},
            return_estimator=True,
        )["estimator"][0]
    plain = cross_validate(clf, X, y, return_estimator=True)["estimator"][0]
    assert np.abs(weighted.coefs_[0] - plain.coefs_[0]).max() > 0
