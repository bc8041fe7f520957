"""What scikit-learn runs through joblib gives under the backend what it gives without it."""

import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # imported for its effect
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier
from sknoise.parallel import StackBackend
from sknoise.parallel import _scheduler as scheduler_module
from sknoise.parallel import _workers as workers_module
from sknoise.training._backends import backend
from tests.parallel.helpers import check_all_threads_end
from tests.waiting import LONG

pytestmark = pytest.mark.timeout(LONG)

LOSS = "neg_log_loss"
CLF = NoisyMLPClassifier(12, epochs=20, batch_size=None, random_state=0)
X, Y = make_classification(
    90, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0
)


@pytest.fixture
def stacks(monkeypatch):
    """Sizes of the stacks that train, wave by wave."""
    waves = []
    plan = scheduler_module.plan_stacks

    def planned(*args):
        waves.append([len(stack) for stack in plan(*args)])
        return plan(*args)

    monkeypatch.setattr(scheduler_module, "plan_stacks", planned)
    return waves


def both(run):
    """Give what a function returns under the backend, and without it."""
    with joblib.parallel_config(backend="sknoise"):
        ours = run()
    return ours, run()


def searched(search):
    return both(lambda: clone(search).fit(X, Y))


def check_searches_agree(ours, theirs):
    assert ours.best_params_ == theirs.best_params_
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    for key, values in theirs.cv_results_.items():
        if "score" in key and "time" not in key:
            np.testing.assert_allclose(ours.cv_results_[key], values, atol=1e-4, err_msg=key)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_importing_registers_it_without_tensorflow():
    code = (
        "import sys, joblib, sknoise\n"
        "with joblib.parallel_config(backend='sknoise'):\n"
        "    squares = joblib.Parallel()(joblib.delayed(pow)(i, 2) for i in range(5))\n"
        "assert squares == [0, 1, 4, 9, 16]\n"
        "assert not {'tensorflow', 'keras', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LONG)


def test_grid_search_multimetric_with_train_scores(stacks):
    search = GridSearchCV(
        CLF,
        {"noise_hidden": [0, 0.1, 1.0], "nodes": [6, 12]},
        cv=5,
        scoring={"accuracy": "accuracy", "loss": LOSS},
        refit="loss",
        return_train_score=True,
    )
    check_searches_agree(*searched(search))
    assert stacks == [[30]]


def test_randomized_search_over_all_that_may_differ_in_a_stack(stacks):
    space = {
        "nodes": randint(5, 40),
        "noise_input": loguniform(0.01, 1),
        "noise_hidden": loguniform(0.01, 1),
        "learning_rate": loguniform(1e-4, 1e-2),
        "epochs": randint(5, 50),
    }
    search = RandomizedSearchCV(CLF, space, n_iter=8, cv=3, scoring=LOSS, random_state=0)
    check_searches_agree(*searched(search))
    assert stacks == [[24]]


def test_halving_search_over_epochs(stacks):
    search = HalvingGridSearchCV(
        CLF,
        {"nodes": [8, 16], "noise_hidden": [0, 0.1, 1]},
        resource="epochs",
        min_resources=5,
        max_resources=45,
        cv=3,
        scoring=LOSS,
        random_state=0,
    )
    check_searches_agree(*searched(search))
    assert stacks == [[18], [6]]


def test_a_pipeline_whose_earlier_steps_vary(stacks):
    pipeline = make_pipeline(StandardScaler(), SelectKBest(), CLF)
    grid = {"selectkbest__k": [2, 4, 6], "noisymlpclassifier__noise_input": [0.1, 0.5]}
    search = GridSearchCV(pipeline, grid, cv=3, scoring=LOSS)
    check_searches_agree(*searched(search))
    assert stacks == [[18]]


def test_a_search_nested_in_cross_validation(stacks):
    search = GridSearchCV(CLF, {"noise_hidden": [0, 0.5]}, cv=3, scoring=LOSS)
    ours, theirs = both(lambda: cross_val_score(search, X, Y, cv=4, scoring=LOSS))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    # The fits of all four inner searches, then the four refits.
    assert stacks == [[24], [4]]


@pytest.mark.parametrize(
    "run",
    [
        lambda: cross_val_score(CLF, X, Y, scoring=LOSS),
        lambda: [
            fitted.predict_proba(X)
            for fitted in cross_validate(CLF, X, Y, return_estimator=True)["estimator"]
        ],
        lambda: validation_curve(
            CLF, X, Y, param_name="noise_hidden", param_range=[0, 1], scoring=LOSS
        ),
        lambda: learning_curve(CLF, X, Y, train_sizes=[0.5, 1.0], scoring=LOSS)[1:],
        lambda: BaggingClassifier(CLF, 6, random_state=0).fit(X, Y).predict_proba(X),
        lambda: CalibratedClassifierCV(CLF, cv=3).fit(X, Y).predict_proba(X),
        lambda: (
            StackingClassifier([("a", CLF), ("b", make_pipeline(StandardScaler(), CLF))])
            .fit(X, Y)
            .predict_proba(X)
        ),
        lambda: OneVsRestClassifier(CLF).fit(X, Y).predict_proba(X),
        lambda: cross_val_score(RandomForestClassifier(8, random_state=0), X, Y, scoring=LOSS),
        lambda: RandomForestClassifier(8, random_state=0, n_jobs=-1).fit(X, Y).predict_proba(X),
    ],
    ids=[
        "cross_val_score",
        "cross_validate",
        "validation_curve",
        "learning_curve",
        "bagging",
        "calibration",
        "stacking",
        "one_vs_rest",
        "others' estimators",
        "others' parallel estimators",
    ],
)
def test_agrees_with_the_same_call_without(run):
    ours, theirs = both(run)
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), atol=1e-4)


def test_keras_engine_trains_in_its_own_job():
    clf = clone(CLF).set_params(engine="keras", epochs=2)
    ours, theirs = both(lambda: cross_val_score(clf, X, Y, cv=2, scoring=LOSS))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_the_same_search_gives_the_same_bits():
    search = GridSearchCV(CLF, {"noise_hidden": [0, 0.5], "nodes": [5, 9]}, cv=3, scoring=LOSS)

    def scores():
        with joblib.parallel_config(backend="sknoise"):
            return clone(search).fit(X, Y).cv_results_["mean_test_score"]

    first = scores()
    for _ in range(3):
        np.testing.assert_array_equal(scores(), first)


class Slow(TransformerMixin, BaseEstimator):
    """Takes a while to fit."""

    def fit(self, X, y=None):
        time.sleep(0.1)
        return self

    def transform(self, X):
        return X


def test_a_bad_candidate_gets_the_error_score_and_the_others_go_on(stacks):
    grid = {"noise_hidden": [0.1, -1.0, 0.3]}
    search = GridSearchCV(CLF, grid, cv=3, scoring=LOSS, error_score=-7.0)
    with joblib.parallel_config(backend="sknoise"), pytest.warns(match="3 fits failed"):
        search.fit(X, Y)
    means = search.cv_results_["mean_test_score"]
    assert means[1] == -7.0
    assert np.isfinite(means).all() and means[[0, 2]].min() > -3
    assert stacks == [[6]]


def test_a_diverging_candidate_gets_the_error_score():
    clf = clone(CLF).set_params(optimizer="sgd")
    grid = {"learning_rate": [1e-3, 1e30]}
    search = GridSearchCV(clf, grid, cv=3, scoring=LOSS, error_score=-7.0)
    with joblib.parallel_config(backend="sknoise"), pytest.warns(match="Training diverged"):
        search.fit(X, Y)
    assert search.cv_results_["mean_test_score"][1] == -7.0
    assert search.cv_results_["mean_test_score"][0] > -3


def test_an_error_that_is_not_scored_is_raised_and_nothing_hangs():
    search = GridSearchCV(CLF, {"noise_hidden": [0.1, -1.0]}, cv=3, error_score="raise")
    with (
        joblib.parallel_config(backend="sknoise"),
        pytest.raises(ValueError, match="noise_hidden"),
    ):
        search.fit(X, Y)
    check_all_threads_end()


def test_more_tasks_than_may_wait(stacks):
    grid = {"noise_hidden": [0, 0.1, 0.2, 0.5, 1]}
    with joblib.parallel_config(backend="sknoise", n_jobs=4):
        ours = GridSearchCV(CLF, grid, cv=3, scoring=LOSS).fit(X, Y)
    assert stacks == [[4], [4], [4], [3]]
    check_searches_agree(ours, GridSearchCV(CLF, grid, cv=3, scoring=LOSS).fit(X, Y))


def test_one_job_at_a_time_stacks_nothing(stacks):
    with joblib.parallel_config(backend="sknoise"):
        cross_val_score(CLF, X, Y, n_jobs=1)
    assert stacks == []


def test_one_task(stacks):
    with joblib.parallel_config(backend="sknoise"):
        joblib.Parallel()([joblib.delayed(clone(CLF).fit)(X, Y)])
    assert stacks == [[1]]


def test_slow_steps_before_do_not_split_a_stack(stacks):
    with joblib.parallel_config(backend="sknoise"):
        cross_val_score(make_pipeline(Slow(), CLF), X, Y, cv=6)
    assert stacks == [[6]]


def test_bounds_of_a_stack(stacks):
    with joblib.parallel_config(backend="sknoise", max_networks=4):
        cross_val_score(CLF, X, Y, cv=10)
    assert sum(stacks[0]) == 10 and max(stacks[0]) <= 4
    # So little memory that every network trains alone, and few may wait.
    with joblib.parallel_config(backend="sknoise", max_bytes=1):
        cross_val_score(CLF, X, Y, cv=5)
    assert all(size == 1 for wave in stacks[1:] for size in wave)
    assert sum(map(sum, stacks[1:])) == 5


@pytest.mark.parametrize("has_card", [False, True])
def test_stacks_are_larger_on_a_card(stacks, monkeypatch, has_card):
    monkeypatch.setattr(backend(), "has_card", lambda: has_card)
    monkeypatch.setattr(workers_module, "ON_PROCESSORS", 2)
    monkeypatch.setattr(workers_module, "ON_A_CARD", 4)
    with joblib.parallel_config(backend="sknoise"):
        cross_val_score(CLF, X, Y, cv=8)
    assert set(stacks[0]) == {4 if has_card else 2}


def test_nested_calls_share_what_may_wait(stacks, monkeypatch):
    monkeypatch.setattr(scheduler_module, "MAX_WAITING", 3)
    search = GridSearchCV(CLF, {"noise_hidden": [0, 0.5]}, cv=2, scoring=LOSS)
    ours, theirs = both(lambda: cross_val_score(search, X, Y, cv=4, scoring=LOSS))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert max(map(sum, stacks)) <= 3 + joblib.cpu_count()


@pytest.mark.parametrize("asks", ["estimator", "search", "nobody"])
def test_one_bar_where_somebody_asks_for_it(capfd, asks):
    clf = clone(CLF).set_params(verbose=int(asks == "estimator"))
    search = GridSearchCV(
        clf, {"noise_hidden": [0, 1]}, cv=3, refit=False, verbose=int(asks == "search")
    )
    with joblib.parallel_config(backend="sknoise"):
        search.fit(X, Y)
    shown = capfd.readouterr().err
    if asks == "nobody":
        assert "fits" not in shown
    else:
        assert shown.count("6/6 fits") == 1
        assert "120/120 epochs" in shown


@pytest.mark.parametrize(
    ("parameter", "error"),
    [
        ({"executor": 2}, TypeError),
        ({"max_networks": 0}, ValueError),
        ({"max_networks": 2.5}, TypeError),
        ({"max_bytes": -1}, ValueError),
        ({"max_bytes": True}, TypeError),
    ],
    ids=str,
)
def test_bad_parameters(parameter, error):
    (name,) = parameter
    with pytest.raises(error, match=name):
        StackBackend(**parameter)


def test_no_jobs():
    with joblib.parallel_config(backend="sknoise"), pytest.raises(ValueError, match="n_jobs=0"):
        cross_val_score(CLF, X, Y, n_jobs=0)


def test_no_thread_is_left():
    with joblib.parallel_config(backend="sknoise"):
        cross_val_score(CLF, X, Y)
    check_all_threads_end()


def test_a_generator_that_nobody_reads_holds_nothing_up():
    alone = cross_val_score(CLF, X, Y, cv=3, scoring=LOSS)
    with joblib.parallel_config(backend="sknoise"):
        fits = (joblib.delayed(clone(CLF).fit)(X, Y) for _ in range(3))
        unread = joblib.Parallel(return_as="generator")(fits)
        for _ in range(2):
            np.testing.assert_allclose(
                cross_val_score(CLF, X, Y, cv=3, scoring=LOSS), alone, atol=1e-5
            )
        assert [clf.n_iter_ for clf in unread] == [20] * 3
        cross_val_score(CLF, X, Y, cv=3)
    check_all_threads_end()
