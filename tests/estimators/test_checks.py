"""scikit-learn's own checks of estimators, with noise on, in many configurations."""

import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

# By default noise follows from the data, and is next to none where classes are clear.
NOISE = {"noise_input": 0.1, "noise_hidden": 0.1}
# Every noise at once, with few programs: each check has data of its own shape, to compile for.
ALL_NOISE = NOISE | {
    "noise_activation": 0.1,
    "noise_weights": 0.02,
    "noise_gradient": 0.01,
    "noise_target": 0.02,
    "dropout": 0.1,
}
# Keras's loop takes some 4 ms a step, traces anew for a minibatch that is smaller, and traces sgd
# faster than adam.
KERAS = {
    "engine": "keras",
    "optimizer": "sgd",
    "epochs": 5,
    "learning_rate": 0.2,
    "batch_size": 64,
}
CLASSIFIERS = [
    {
        "nodes": (32, 16),
        "noise_input": 0.1,
        "noise_hidden": (0.2, 0.05),
        "activation": "tanh",
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "batch_size": 16,
        "noise_relative": True,
        "noise_free": [0],
        "noise_distribution": "laplace",
        "noise_schedule": "cosine",
        "max_norm": 3,
        "alpha": 0.01,
        "initializer": "he_normal",
    },
    {"noise_input": 0, "noise_hidden": 0, "batch_size": None, "class_weight": "balanced"},
    NOISE | KERAS,
]
REGRESSORS = [NOISE | KERAS | {"alpha": 0.01, "max_norm": 3}]


@parametrize_with_checks(
    [
        NoisyMLPClassifier(),
        NoisyMLPClassifier(
            **ALL_NOISE, noise_kind="multiplicative", early_stopping=True, patience=50
        ),
        NoisyMLPRegressor(),
        NoisyMLPRegressor(
            **ALL_NOISE, noise_distribution="uniform", loss="huber", early_stopping=True
        ),
    ]
)
def test_estimators(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [NoisyMLPClassifier(**options) for options in CLASSIFIERS]
    + [NoisyMLPRegressor(**options) for options in REGRESSORS]
)
def test_options(estimator, check):
    check(estimator)


def names(estimator):
    checks = estimator_checks_generator(estimator, mark="skip")
    return {getattr(check, "func", check).__name__ for _, check in checks}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(NoisyMLPClassifier(), MLPClassifier()), (NoisyMLPRegressor(), MLPRegressor())],
)
def test_no_check_is_missing_that_scikit_learns_perceptron_has(ours, theirs):
    # Sparse data is refused, which has a check of its own.
    assert {n for n in names(theirs) - names(ours) if "sparse" not in n} == set()


def failed(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    return {result["check_name"] for result in results if result["status"] == "failed"}


@pytest.mark.filterwarnings("ignore")
def test_a_warm_start_fails_only_checks_that_ask_for_a_cold_one():
    # Two checks fit again and ask for the first fit's predictions, also where a warm start is to
    # train on. scikit-learn's perceptron fails just these, too.
    theirs = failed(MLPClassifier(warm_start=True, max_iter=50))
    ours = NoisyMLPClassifier(warm_start=True, batch_size=None, epochs=20, learning_rate=0.1)
    assert failed(ours) <= theirs
    assert theirs <= {
        "check_classifiers_multilabel_representation_invariance",
        "check_supervised_y_2d",
    }


@pytest.mark.parametrize(
    "options",
    [NOISE, ALL_NOISE, {"batch_size": 4}, {"batch_size": None}, {"early_stopping": True}],
)
def test_weight_two_is_a_row_twice_to_the_last_bit(blobs, options):
    X, y = blobs
    # Of rows given so often, early stopping holds a part out.
    times = [(1, 2, 9)[i % 3] for i in range(len(X))]
    clf = NoisyMLPClassifier(nodes=20, epochs=20, random_state=0, **options)
    weighted = clf.fit(X, y, sample_weight=times).predict_proba(X)
    repeated = clf.fit(X.repeat(times, axis=0), y.repeat(times)).predict_proba(X)
    assert (weighted == repeated).all()
