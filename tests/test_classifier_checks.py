"""scikit-learn's own checks of estimators, with noise on, in many configurations."""

import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sknoise import NoisyMLPClassifier

CONFIGURATIONS = [
    {},
    {"nodes": (32, 16), "noise_hidden": (0.2, 0.05)},
    {"noise_input": 0},
    {"noise_hidden": 0},
    {"noise_input": 0, "noise_hidden": 0},
    {"activation": "tanh"},
    {"optimizer": "sgd", "learning_rate": 0.1},
    {"batch_size": 16},
    {"batch_size": None},
    {"class_weight": "balanced"},
    # Some checks fit twice and compare; a warm start trains on, so it must have converged on
    # their 30 rows by then. (scikit-learn's MLPClassifier(warm_start=True) fails there.)
    {
        "warm_start": True,
        "batch_size": None,
        "epochs": 1500,
        "learning_rate": 0.01,
        "noise_input": 0.01,
    },
    # Keras's loop takes some 30 ms an epoch.
    {"engine": "keras", "epochs": 10, "learning_rate": 0.01},
]


@parametrize_with_checks([NoisyMLPClassifier(**options) for options in CONFIGURATIONS])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def names(estimator):
    checks = estimator_checks_generator(estimator, mark="skip")
    return {getattr(check, "func", check).__name__ for _, check in checks}


def test_no_check_is_missing_that_scikit_learns_perceptron_has():
    theirs = names(MLPClassifier())
    missing = theirs - names(NoisyMLPClassifier())
    # Sparse data is refused, which has a check of its own; several labels a row are too.
    assert {n for n in missing if "sparse" not in n and "multilabel" not in n} == set()


@pytest.mark.parametrize("options", [{}, {"batch_size": 4}, {"batch_size": None}])
def test_weight_two_is_a_row_twice_to_the_last_bit(blobs, options):
    X, y = blobs
    times = [1 + i % 3 for i in range(len(X))]
    clf = NoisyMLPClassifier(nodes=20, epochs=20, random_state=0, **options)
    weighted = clf.fit(X, y, sample_weight=times).predict_proba(X)
    repeated = clf.fit(X.repeat(times, axis=0), y.repeat(times)).predict_proba(X)
    assert (weighted == repeated).all()
