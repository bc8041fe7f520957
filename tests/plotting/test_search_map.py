"""Search maps, against a group-by of the search's own results."""

from copy import copy

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sknoise.plotting import SearchMapDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

PIPELINE = Pipeline([("scale", StandardScaler()), ("svc", SVC())])
GRID = {"svc__C": [10, 0.1, 1], "svc__gamma": [0.01, 1.0], "svc__kernel": ["rbf", "sigmoid"]}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def search(data):
    return GridSearchCV(PIPELINE, GRID, cv=3).fit(*data)


def test_each_cell_has_the_best_of_the_other_parameters(search):
    display = SearchMapDisplay.from_search(search, "gamma", "svc__C")
    table = pd.DataFrame(search.cv_results_).pivot_table(
        "mean_test_score", "param_svc__C", "param_svc__gamma", aggfunc="max"
    )
    np.testing.assert_array_equal(display.scores, table.to_numpy())
    ax = display.ax_
    np.testing.assert_array_equal(display.mesh_.get_array(), display.scores)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("gamma", "svc__C")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0.01", "1"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0.1", "1", "10"]
    assert display.colorbar_.ax.get_ylabel() == "mean test score"
    for text, score in zip(display.texts_.flat, display.scores.flat, strict=True):
        assert float(text.get_text()) == pytest.approx(score, abs=0.0006)
    best = search.best_params_
    x, y = display.best_.get_xy()
    assert [0.01, 1][int(x)] == best["svc__gamma"]
    assert [0.1, 1, 10][int(y)] == best["svc__C"]


def test_given_axes_words_and_no_annotation(search):
    _, ax = plt.subplots()
    display = SearchMapDisplay.from_search(search, "kernel", "C", ax=ax, annotate=False)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert [t.get_text() for t in ax.get_xticklabels()] == ["rbf", "sigmoid"]
    assert not ax.texts


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores"
)
def test_missing_cells_are_masked_and_failed_fits_are_none(data):
    grids = [
        {"C": [0.1, 1], "gamma": [0.1]},
        {"C": [1, -1], "gamma": [1]},  # A negative C cannot be fitted.
        {"C": [5]},
    ]
    search = GridSearchCV(SVC(), grids, cv=2, scoring="neg_mean_squared_error").fit(*data)
    display = SearchMapDisplay.from_search(search, "gamma", "C")
    assert display.y_labels == ["0.1", "1"]
    assert np.isfinite(display.scores).tolist() == [[True, False], [True, True]]
    assert display.mesh_.get_array().mask.tolist() == [[False, True], [False, False]]
    assert display.texts_[0, 1] is None
    assert display.score_name == "mean test neg_mean_squared_error"


def test_several_metrics(data):
    search = GridSearchCV(
        SVC(), {"C": [0.01, 1], "gamma": [0.1, 1]}, scoring=["accuracy", "f1_macro"], refit=False
    ).fit(*data)
    with pytest.raises(ValueError, match=r"metric=False .* choose of \['accuracy', 'f1_macro'\]"):
        SearchMapDisplay.from_search(search, "C", "gamma")
    display = SearchMapDisplay.from_search(search, "gamma", "C", metric="f1_macro")
    expected = search.cv_results_["mean_test_f1_macro"].reshape(2, 2)
    np.testing.assert_array_equal(display.scores, expected)
    search.refit = "accuracy"
    assert SearchMapDisplay.from_search(search, "C", "gamma").score_name == "mean test accuracy"


def test_random_draws_are_divided_at_their_quantiles(data):
    draws = {"C": loguniform(0.01, 100), "gamma": loguniform(0.01, 10)}
    search = RandomizedSearchCV(SVC(), draws, n_iter=40, cv=2, random_state=0).fit(*data)
    display = SearchMapDisplay.from_search(search, "C", "gamma", bins=4)
    results = pd.DataFrame(search.cv_results_)
    bins = [pd.qcut(results[f"param_{name}"].astype(float), 4) for name in ("gamma", "C")]
    best = results["mean_test_score"].groupby(bins, observed=False).max().unstack()
    np.testing.assert_array_equal(display.scores, best.to_numpy())
    assert len(display.x_labels) == 4
    assert display.scores[display.best] == search.best_score_


@pytest.mark.filterwarnings("ignore:Solver terminated early")
@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_halving_counts_the_last_iteration_of_each_candidate(data, resource):
    options = {} if resource == "n_samples" else {"resource": "max_iter", "max_resources": 900}
    grid = {"C": [0.01, 1, 100], "gamma": [0.001, 0.1, 10]}
    search = HalvingGridSearchCV(SVC(), grid, random_state=0, cv=2, **options).fit(*data)
    display = SearchMapDisplay.from_search(search, "gamma", "C")
    results = pd.DataFrame(search.cv_results_).sort_values("iter", kind="stable")
    last = results.groupby(["param_C", "param_gamma"])["mean_test_score"].last().unstack()
    np.testing.assert_array_equal(display.scores, last.to_numpy())
    row, column = display.best
    assert grid["C"][row] == search.best_params_["C"]
    assert grid["gamma"][column] == search.best_params_["gamma"]


def test_what_cannot_be_drawn(search, data):
    draw = SearchMapDisplay.from_search
    with pytest.raises(NotFittedError):
        draw(GridSearchCV(SVC(), {"C": [1]}), "C", "gamma")
    with pytest.raises(TypeError, match="cv_results_"):
        draw(SVC().fit(*data), "C", "gamma")
    with pytest.raises(ValueError, match=r"no parameter 'degree': choose of \['svc__C'"):
        draw(search, "degree", "C")
    with pytest.raises(ValueError, match="give two parameters"):
        draw(search, "svc__C", "C")
    with pytest.raises(ValueError, match="bins=0"):
        draw(search, "gamma", "C", bins=0)
    with pytest.raises(ValueError, match="metric='f1'"):
        draw(search, "gamma", "C", metric="f1")
    two = GridSearchCV(PIPELINE, {"svc__C": [1]}, cv=2).fit(*data)
    two.cv_results_["param_other__C"] = two.cv_results_["param_svc__C"]
    with pytest.raises(ValueError, match="could be any of"):
        draw(two, "C", "svc__C")
    failed = copy(search)
    failed.cv_results_ = search.cv_results_ | {"mean_test_score": np.full(12, np.nan)}
    with pytest.raises(ValueError, match=r"No candidate with svc__gamma, svc__C and a score that"):
        draw(failed, "gamma", "C")


def test_a_name_among_numbers(data):
    grid = {"C": [1, 10], "gamma": ["auto", 0.01]}
    display = SearchMapDisplay.from_search(
        GridSearchCV(SVC(), grid, cv=2).fit(*data), "gamma", "C"
    )
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["auto", "0.01"]
