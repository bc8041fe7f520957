"""Robustness: the draws, what is drawn, and a model whose score is known."""

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from sknoise.plotting import RobustnessDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

LEVELS = [0, 0.5, 2]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


class Sees(BaseEstimator):
    """Remembers what it was to score."""

    def fit(self, X, y):
        return self

    def score(self, X, y):
        self.__dict__.setdefault("seen", []).append(np.array(X))
        return float(np.mean(X))


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


def draw(models, X, y, **options):
    options = {"noise_levels": LEVELS, "n_repeats": 5, "random_state": 0} | options
    return RobustnessDisplay.from_estimators(models, X, y, **options)


@pytest.mark.parametrize("relative", [False, True])
def test_all_models_see_the_same_draws_scaled_by_the_levels(relative, rng):
    X, y = rng.normal(5, [1, 100, 0], (2000, 3)), np.zeros(2000)
    models = {"a": Sees(), "b": Sees()}
    display = draw(models, X, y, relative=relative)
    a, b = (np.reshape(m.seen, (5, 3, *X.shape)) for m in models.values())
    np.testing.assert_array_equal(a, b)
    noise = a - X
    np.testing.assert_array_equal(noise[:, 0], 0)
    np.testing.assert_allclose(noise[:, 2], 4 * noise[:, 1], atol=1e-9)
    scale = X.std(axis=0) if relative else np.ones(3)
    np.testing.assert_allclose(noise[:, 2].std(axis=(0, 1)), 2 * scale, rtol=0.03)
    np.testing.assert_allclose(display.scores["a"], a.mean(axis=(2, 3)).T)
    assert display.score_name == "score"


def test_a_linear_model_loses_what_theory_says(rng):
    X = rng.normal(size=(20_000, 2))
    y = X @ [3, 4]
    display = draw({"linear": LinearRegression().fit(X, y)}, X, y, noise_levels=[0, 0.3])
    assert display.score_name == "R²"
    expected = 1 - 25 * 0.3**2 / y.var()
    np.testing.assert_allclose(display.scores["linear"].mean(axis=1), [1, expected], atol=2e-3)


def test_what_is_drawn(iris):
    models = {"linear": LogisticRegression(max_iter=500).fit(*iris), "d": DummyClassifier()}
    models["d"].fit(*iris)
    display = draw(models, *iris, noise_levels=[2, 0, 0.5], relative=True)
    ax = display.ax_
    assert display.figure_ is ax.figure
    assert ax.get_ylabel() == "accuracy"
    assert ax.get_xlabel() == "standard deviation of the noise (features' standard deviations)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["linear", "d"]
    scores = display.scores["linear"][[1, 2, 0]]
    x, y = display.lines_["linear"].get_data()
    np.testing.assert_array_equal(x, LEVELS)
    np.testing.assert_allclose(y, scores.mean(axis=1))
    assert y[0] == models["linear"].score(*iris)
    low, high = stats.t.interval(0.95, 4, y[2], stats.sem(scores[2]))
    corners = display.bands_["linear"].get_paths()[0].vertices
    np.testing.assert_allclose(sorted({*corners[corners[:, 0] == 2, 1]}), [low, high])
    # The dummy's accuracy never changes.
    np.testing.assert_allclose(display.lines_["d"].get_ydata(), 1 / 3)
    assert len({line.get_color() for line in display.lines_.values()}) == 2


def test_repeatable_with_a_scorer_and_a_single_draw_has_no_band(iris):
    models = {"linear": LogisticRegression(max_iter=500).fit(*iris)}
    _, ax = plt.subplots()
    first, second = (
        draw(models, *iris, scoring="neg_log_loss", n_repeats=1, ax=ax) for _ in range(2)
    )
    np.testing.assert_array_equal(first.scores["linear"], second.scores["linear"])
    other = draw(models, *iris, scoring="neg_log_loss", n_repeats=1, random_state=1)
    assert (first.scores["linear"][1:] != other.scores["linear"][1:]).all()
    assert first.ax_ is ax
    assert first.bands_ == {}
    assert ax.get_ylabel() == "neg_log_loss"


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames_keep_their_names(iris, frame):
    X, y = iris
    named = frame(X, **{"columns" if frame is pd.DataFrame else "schema": list("abcd")})
    # scikit-learn warns, an error here, where names are missing.
    model = LogisticRegression(max_iter=500).fit(named, y)
    plain = LogisticRegression(max_iter=500).fit(X, y)
    with_names, without = draw({"m": model}, named, y), draw({"m": plain}, X, y)
    np.testing.assert_allclose(with_names.scores["m"], without.scores["m"])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"models": [Sees()]}, TypeError, "dict"),
        ({"models": {}}, ValueError, "at least one"),
        ({"noise_levels": [-1]}, ValueError, "noise_levels"),
        ({"noise_levels": []}, ValueError, "noise_levels"),
        ({"noise_levels": 1.0}, ValueError, "noise_levels"),
        ({"noise_levels": [0, np.nan]}, ValueError, "noise_levels"),
        ({"n_repeats": 0}, ValueError, "n_repeats=0"),
        ({"n_repeats": 2.5}, ValueError, "n_repeats=2.5"),
        ({"X": [["a"]]}, ValueError, "could not convert"),
        ({"y": [1]}, ValueError, "inconsistent"),
    ],
    ids=str,
)
def test_bad_arguments(change, error, says, iris):
    X, y = iris
    arguments = {"models": {"r": DummyRegressor().fit(X, y)}, "X": X, "y": y} | change
    with pytest.raises(error, match=says):
        draw(**arguments)


@pytest.mark.parametrize("name", ["X", "y"])
def test_lazy_data(name, iris):
    data = dict(zip("Xy", iris, strict=True)) | {name: pl.DataFrame({"a": [0]}).lazy()}
    with pytest.raises(TypeError, match=f"{name} is a LazyFrame of polars"):
        draw({"s": Sees()}, **data)
