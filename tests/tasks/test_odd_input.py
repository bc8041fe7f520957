"""Odd input that is no fault trains all the same; found by tests/fuzz."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

X = np.random.default_rng(0).normal(size=(20, 3))
y = np.arange(20) % 2


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("scale", [2.0**-1060, 2.0**-300, 2.0**1010])
def test_tiny_and_huge_weights_are_as_good_as_others(class_weight, scale):
    # No whole numbers, which would be repetitions.
    weight = np.arange(1.0, 21) / 32
    clf = NoisyMLPClassifier(5, epochs=2, class_weight=class_weight, random_state=0)
    expected = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    p = clf.fit(X, y, sample_weight=weight * scale).predict_proba(X)
    np.testing.assert_allclose(p, expected, rtol=1e-5)


def test_rows_that_vanish_beside_others_are_left_out():
    # Whichever rows are held out, some weight is left on both sides.
    weight = np.where(np.arange(20) < 10, 1.0, 1e-300)
    clf = NoisyMLPClassifier(5, epochs=2, early_stopping=True, random_state=0)
    expected = clf.fit(X[:10], y[:10]).predict_proba(X)
    p = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    np.testing.assert_array_equal(p, expected)


def test_patience_and_batches_larger_than_32_bits():
    clf = NoisyMLPClassifier(5, epochs=4, early_stopping=True, min_delta=1e30, random_state=0)
    for patience in (10**12, np.inf):
        clf.set_params(patience=patience, batch_size=10**30).fit(X, y)
        assert clf.n_iter_ == 4


def test_a_validation_loss_that_is_not_finite_is_told():
    reg = NoisyMLPRegressor(5, epochs=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="val_loss was inf in epoch 1, though loss was"):
        reg.fit(X, y, X_val=X, y_val=np.full(20, 1e30))
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.parametrize("columns", [lambda y: np.eye(3)[y], pd.get_dummies], ids=["floats", "pd"])
def test_one_hot_classes_are_warned_of(columns):
    classes = np.arange(20) % 3
    clf = NoisyMLPClassifier(5, epochs=1, random_state=0)
    for method in ("fit", "partial_fit"):
        with pytest.warns(UserWarning, match="y has one 1 in each .* give their labels") as caught:
            getattr(clone(clf), method)(X, columns(classes))
        assert "sknoise" not in caught[0].filename
    # Where training goes on, a row or two may have one label each.
    several = np.eye(3)[classes]
    several[0] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.partial_fit(X, several).partial_fit(X[1:], several[1:])
        clf.fit(X, several)


def test_class_weights_of_labels_that_are_not_there():
    labels = np.array(["a", "b", "c"])[np.arange(20) % 3]
    clf = NoisyMLPClassifier(5, epochs=2, random_state=0)
    expected = clf.fit(X, labels, sample_weight=np.where(labels == "b", 0.3, 1)).predict_proba(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for extra in ({}, {"z": 9}, {7: 9}):
            clf.set_params(class_weight={"b": 0.3} | extra).fit(X, labels)
            np.testing.assert_array_equal(clf.predict_proba(X), expected)
        # A fold without the one that is named.
        fold = labels != "b"
        p = clf.fit(X[fold], labels[fold]).predict_proba(X)
        clf.set_params(class_weight=None).fit(X[fold], labels[fold])
        np.testing.assert_array_equal(clf.predict_proba(X), p)


@pytest.mark.parametrize(
    "ensemble",
    [
        lambda clf: VotingClassifier([("clf", clf)]),
        lambda clf: StackingClassifier([("clf", clf)], cv=2),
        lambda clf: BaggingClassifier(clf, 2),
    ],
    ids=["voting", "stacking", "bagging"],
)
def test_class_weights_in_ensembles_that_encode_labels(ensemble):
    clf = NoisyMLPClassifier(5, epochs=2, class_weight={"no": 3, "yes": 1}, random_state=0)
    with pytest.raises(
        ValueError, match=r"none of the classes, .* encoded as 0, 1, .* name these"
    ):
        ensemble(clf).fit(X, np.array(["no", "yes"])[y])
    # Of numbers nobody can tell.
    clf.set_params(class_weight={1: 3, 2: 1})
    with pytest.warns(UserWarning, match=r"has \[2\], which y lacks, and leaves \[0\] at 1"):
        ensemble(clf).fit(X, y + 1)


def test_whole_numbers_for_floats_of_the_optimizer():
    options = {"epochs": 2, "random_state": 0}
    kernels = [
        NoisyMLPClassifier(5, optimizer={"class_name": "sgd", "config": config}, **options)
        .fit(X, y)
        .coefs_[0]
        for config in ({"momentum": 0}, {"momentum": 0.0}, {"momentum": 1})
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[2] != kernels[0]).any()


def test_a_warm_start_without_a_class_names_who_takes_that():
    clf = NoisyMLPClassifier(5, epochs=1, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"needs the classes .* may be missing .* partial_fit"):
        clf.fit(X, 0 * y)
    clf.partial_fit(X, 0 * y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["two", "three", "several", "numbers", "counts"])
def test_floating_point_errors_that_do_no_harm_are_not_raised(kind):
    # Numbers that vanish in single precision, and probabilities that do in double precision.
    tiny, far = X * np.array([1, 1, 1e-42]), X * np.array([1e3, 1e3, 1e-42])
    counts = np.where(y, 1e-43, 5 + X[:, 0])
    targets = {"two": y, "three": np.arange(20) % 3, "several": (X > 0).astype(int)}
    targets |= {"numbers": 1e-300 * X[:, 0], "counts": counts}
    loss = {"loss": "poisson"} if kind == "counts" else {}
    cls = NoisyMLPRegressor if kind in ("numbers", "counts") else NoisyMLPClassifier
    model = cls(5, epochs=9, learning_rate=0.1, random_state=0, early_stopping=True, **loss)
    weight = np.logspace(-300, 0, 20)
    names = ["predict_proba", "predict_log_proba", "predict"][2 * (cls is NoisyMLPRegressor) :]

    def use():
        model.fit(tiny, targets[kind], weight, X_val=far, y_val=targets[kind])
        return [getattr(model, name)(far) for name in names]

    expected = use()
    with np.errstate(all="raise"):
        for found, known in zip(use(), expected, strict=True):
            np.testing.assert_array_equal(found, known)
        assert model.model_.input_shape == (None, 3)
        # What is wrong is told as ever.
        with pytest.raises(ValueError, match="X contains infinity or a value too large"):
            model.fit(X * 1e300, targets[kind])
