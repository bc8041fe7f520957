"""Lengths of training: against fits by hand, and the choice among them against loops."""

import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from keras.callbacks import LearningRateScheduler
from keras.optimizers.schedules import ExponentialDecay
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoiseCurve, NoisyMLPClassifier, noise_curve
from sknoise.estimators import DivergedError
from sknoise.inspection._lengths import at_best_lengths, own_epochs, read_lengths, trained
from sknoise.training import _stack

CV = KFold(3)
FOLDS = list(KFold(4).split(np.zeros((4, 1))))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    return X, X[:, 0] + rng.normal(size=60) > 0


@pytest.fixture
def clf():
    return NoisyMLPClassifier(nodes=10, epochs=10, batch_size=None, learning_rate=0.05)


def losses_by_hand(model, data, curve, epochs):
    """Fit from new weights; of shape (n_levels, n_splits)."""
    X, y = data
    (name,) = curve.param_names
    losses = np.zeros((len(curve.noise_levels), len(curve.seeds)))
    for (j, level), (k, (train, test)) in product(
        enumerate(curve.noise_levels), enumerate(CV.split(X))
    ):
        prefix = name.removesuffix("noise_input")
        settings = {"noise_input": level, "epochs": epochs, "random_state": int(curve.seeds[k])}
        fitted = clone(model).set_params(**{prefix + key: v for key, v in settings.items()})
        fitted.fit(X[train], y[train])
        losses[j, k] = log_loss(y[test], fitted.predict_proba(X[test]))
    return losses


# How they train.


def test_each_length_scores_as_a_fit_from_new_weights(data, clf):
    model = make_pipeline(StandardScaler(), clf)
    call = {"param_names": "noise_input", "cv": CV, "random_state": 0}
    curve = noise_curve(model, *data, [1], lengths=[2, 0.5], **call)
    assert list(curve.at_length) == [0.5, 2]
    for length, fixed in curve.at_length.items():
        epochs = round(10 * length)
        assert fixed.at_length is None
        np.testing.assert_array_equal(fixed.epochs, np.full((1, 2, 3), epochs))
        expected = losses_by_hand(model, data, curve, epochs)
        np.testing.assert_allclose(fixed.scores["log_loss"][0], expected, rtol=1e-4)
    assert model[-1].epochs == 10


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"noise_schedule": "linear"},
        {"learning_rate": ExponentialDecay(0.05, 5, 0.5)},
        {"callbacks": [LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch))]},
    ],
    ids=["constant", "noise", "learning rate", "callback"],
)
def test_schedules_are_those_of_each_length(data, clf, change):
    clf.set_params(noise_input=1, random_state=0, **change)
    for epochs, fitted in zip((3, 5), trained(clone(clf), np.array([3, 5]), *data), strict=True):
        expected = clone(clf).set_params(epochs=epochs).fit(*data)
        np.testing.assert_array_equal(fitted.coefs_[0], expected.coefs_[0])


def test_the_estimators_own_length_follows_the_data(data, clf):
    call = {"param_names": "noise_input", "cv": CV, "random_state": 0}
    clf.set_params(epochs="auto", batch_size=16)
    own = noise_curve(clf, *data, [1], lengths=None, **call)
    assert own.epochs is own.at_length is None
    curve = noise_curve(clf, *data, [1], lengths=1, **call)
    np.testing.assert_allclose(curve.scores["log_loss"], own.scores["log_loss"], rtol=1e-4)
    assert curve.at_length is None
    fitted = clone(clf).fit(data[0][20:], data[1][20:])
    assert curve.epochs[0, 0, 0] == fitted.n_iter_
    assert own_epochs(clone(clf), data[0][20:], data[1][20:]) == fitted.n_iter_


def test_lengths_that_round_to_the_same_are_one(data, clf):
    clf.set_params(epochs=2)
    fits = [m.n_iter_ for m in trained(clf, np.array([1, 1, 2, 4]), *data)]
    assert fits == [1, 1, 2, 4]


def test_all_lengths_train_in_stacks(monkeypatch, data, clf):
    sizes, train_stack = [], _stack.train_stack

    def count(tasks, *args):
        sizes.append(len(tasks))
        return train_stack(tasks, *args)

    monkeypatch.setattr(_stack, "train_stack", count)
    noise_curve(clf, *data, [0.1], param_names="noise_input", cv=CV, lengths=[0.5, 1, 2])
    assert sizes == [6, 6, 6]


def test_only_the_estimators_own_few_epochs_are_warned_of(data, clf):
    # Each row five times, and so a fifth of the steps that there seem to be.
    X, y = (a.repeat(5, axis=0) for a in data)
    clf.set_params(epochs=9, batch_size=40)
    call = {"param_names": "noise_input", "cv": CV, "lengths": [0.5, 1], "random_state": 0}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        noise_curve(clf, X, y, [0.1], **call)
    said = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    assert len(said) == 3
    assert all("more than epochs=9" in text for text in said)


def test_configuration_reaches_the_jobs(data, clf):
    table = pd.DataFrame(data[0], columns=["a", "b"])
    model = make_pipeline(StandardScaler(), clf.set_params(noise_free=["a"]))
    call = {"param_names": "noise_input", "cv": CV, "random_state": 0}
    for lengths in (None, [0.5, 1]):
        with config_context(transform_output="pandas"):
            curve = noise_curve(model, table, data[1], [1], lengths=lengths, **call)
        model.set_params(noisymlpclassifier__noise_free=[0])
        by_numbers = noise_curve(model, *data, [1], lengths=lengths, **call)
        model.set_params(noisymlpclassifier__noise_free=["a"])
        np.testing.assert_allclose(
            curve.scores["log_loss"], by_numbers.scores["log_loss"], rtol=1e-4
        )


# Which are tried.


def test_auto_is_none_where_no_length_can_be_set(clf):
    def lengths(estimator, name="noise_input"):
        return read_lengths("auto", estimator, [name])

    nested = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), clf))
    assert lengths(nested, "pipeline__noisymlpclassifier__noise_input").tolist() == [
        0.125,
        0.25,
        0.5,
        1,
        2,
    ]
    assert lengths(CalibratedClassifierCV(clf), "estimator__noise_input") is None
    # The noise is in another network than the last.
    two = make_pipeline(CalibratedClassifierCV(clf), clf)
    assert lengths(two, "calibratedclassifiercv__estimator__noise_input") is None
    assert lengths(clf.set_params(early_stopping=True)) is None


# Which is chosen.


def curves(losses, metric="log_loss"):
    """Make one for each length of scores of shape (n_lengths, n_params, n_levels, n_splits)."""
    _, n_params, n_levels, n_splits = losses.shape
    names = tuple(f"mlp__noise_{i}" for i in range(n_params))
    made = {}
    for length, values in enumerate(losses, 1):
        scores = {metric: values, "other": -values}
        epochs = np.full(values.shape, 10 * length)
        levels, seeds = np.arange(n_levels), np.arange(n_splits)
        made[length] = NoiseCurve(names, levels, scores, metric, seeds, 0.25, epochs)
    return made


@pytest.mark.parametrize(
    ("cv", "n_deciding"),
    [
        (KFold(4), 3),
        (RepeatedKFold(n_splits=3, n_repeats=3, random_state=0), 2),
        (ShuffleSplit(6, test_size=0.6), 5),
    ],
    ids=["folds", "repeated", "random"],
)
def test_splits_that_share_no_test_row_choose(rng, cv, n_deciding):
    given = list(cv.split(np.zeros((60, 1))))
    splits = [set(test) for _, test in given]
    losses = rng.normal(size=(3, 2, 2, len(splits)))
    found = at_best_lengths(curves(losses), given, 60)
    assert list(found.at_length) == [1, 2, 3]
    for i, j, k in np.ndindex(losses.shape[1:]):
        others = [m for m, s in enumerate(splits) if not s & splits[k]]
        others = others or [m for m in range(len(splits)) if m != k]
        assert len(others) == n_deciding
        best = losses[:, i, j, others].mean(axis=1).argmin()
        assert found.epochs[i, j, k] == 10 * (best + 1)
        assert found.scores["log_loss"][i, j, k] == losses[best, i, j, k]
        assert found.scores["other"][i, j, k] == -losses[best, i, j, k]


def test_of_accuracies_the_highest(rng):
    values = rng.normal(size=(3, 1, 2, 4))
    high = at_best_lengths(curves(values, "accuracy"), FOLDS, 4)
    low = at_best_lengths(curves(-values), FOLDS, 4)
    np.testing.assert_array_equal(high.epochs, low.epochs)


def test_a_length_that_diverged_in_any_split_is_none(rng):
    losses = rng.normal(size=(3, 1, 3, 4))
    losses[2] -= 9
    losses[2, 0, 1, 3] = losses[:, 0, 2, 0] = np.nan
    found = at_best_lengths(curves(losses), FOLDS, 4)
    assert (found.epochs[0, 0] == 30).all()
    assert (found.epochs[0, 1] < 30).all()
    assert np.isfinite(found.scores["log_loss"][0, :2]).all()
    # A level that diverged at all lengths.
    assert np.isnan(found.means[0, 2])


def test_what_is_best_comes_with_its_length(data, clf):
    losses = np.full((2, 1, 3, 4), 5.0)
    losses[1, 0, 1], losses[0, 0, 2] = 1, 2
    found = at_best_lengths(curves(losses), FOLDS, 4)
    assert found.best_ == {"mlp__noise_0": 1, "mlp__epochs": 20}
    assert found.at_length[1].best_ == {"mlp__noise_0": 2, "mlp__epochs": 10}
    verdict = found.helps
    assert (verdict.epochs, verdict.own_lengths) == ((20, 10), True)
    assert "against no noise, each at its own best length, 20 and 10 epochs (95%" in str(verdict)
    verdict = found.at_length[1].helps
    assert (verdict.epochs, verdict.own_lengths) == ((10, 10), False)
    assert "against no noise, both after 10 epochs (95%" in str(verdict)
    # Lengths stay as they were chosen.
    other = found.by("other")
    np.testing.assert_array_equal(other.epochs, found.epochs)
    assert {curve.metric for curve in other.at_length.values()} == {"other"}


# What diverges.


@pytest.mark.parametrize("lengths", [None, [0.5, 1]], ids=["fixed", "chosen"])
def test_a_level_that_diverges_is_nan(data, clf, lengths):
    call = {"param_names": "noise_input", "cv": CV, "lengths": lengths, "random_state": 0}
    with pytest.warns(ConvergenceWarning) as caught:
        curve = noise_curve(clf, *data, [0.1, 1e25], **call)
    (warning,) = caught
    text = "noise_input=1e+25: the" if lengths is None else "noise_input=1e+25 from length 0.5 on"
    assert f"Training diverged in some splits with {text}" in str(warning.message)
    assert warning.filename == __file__
    for scores in curve.scores.values():
        assert np.isnan(scores[0, 2]).all()
        assert np.isfinite(scores[0, :2]).all()
    assert curve.best_["noise_input"] in (0, 0.1)
    assert curve.helps.noise_level == 0.1
    same = noise_curve(clf, *data, [0.1], **call)
    assert curve.helps.difference == pytest.approx(same.helps.difference, rel=1e-3)


def test_no_longer_training_is_tried_after_one_that_diverged(data):
    class Diverges(NoisyMLPClassifier):
        def fit(self, X, y):
            self.n_iter_ = getattr(self, "n_iter_", 0) + self.epochs
            if self.n_iter_ > 2:
                raise DivergedError
            return self

    model = Diverges()
    fits = list(trained(model, np.array([1, 2, 4, 8]), *data))
    assert fits == [model, model, None, None]
    assert model.n_iter_ == 4


def test_other_errors_of_a_fit_are_raised(data, clf):
    with pytest.raises(ValueError, match="nodes="):
        noise_curve(clf.set_params(nodes=[]), *data, [0.1], cv=CV)
