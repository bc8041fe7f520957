"""The noise curve's figure: what is drawn, by its data, labels and legend."""

import builtins
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from sknoise import NoiseCurve, NoisyMLPClassifier, noise_curve
from sknoise.plotting import NoiseCurveDisplay

matplotlib.use("Agg")

import matplotlib.pyplot as plt

LEVELS = np.array([0, 0.1, 1])
NAMES = ("mlp__noise_input", "mlp__noise_hidden")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def curve(rng):
    scores = {}
    for metric in ("log_loss", "accuracy"):
        scores[metric] = rng.normal(scale=0.01, size=(2, 3, 10))
        scores[metric] += np.array([[0.5, 0.4, 0.45], [0.5, 0.38, 0.3]])[..., None]
        scores[metric][1, 0] = scores[metric][0, 0]
    return NoiseCurve(NAMES, LEVELS, scores, "log_loss", np.arange(10), 0.25)


def edges(band, levels):
    """Give lower and upper edge of a band at each level."""
    vertices = band.get_paths()[0].vertices
    at = [vertices[vertices[:, 0] == level, 1] for level in levels]
    return np.array([[y.min(), y.max()] for y in at])


def test_draws_means_with_bands_of_the_differences(curve):
    display = NoiseCurveDisplay.from_curve(curve)
    assert isinstance(display, NoiseCurveDisplay)
    no_noise = curve.means[0, 0]
    np.testing.assert_array_equal(display.baseline_.get_ydata(), [no_noise] * 2)
    for i in range(2):
        np.testing.assert_array_equal(display.lines_[i].get_xdata(), LEVELS)
        np.testing.assert_array_equal(display.lines_[i].get_ydata(), curve.means[i])
        expected = curve.intervals[i] + no_noise
        np.testing.assert_allclose(edges(display.bands_[i], LEVELS), expected)


def test_bands_of_the_scores(curve):
    display = NoiseCurveDisplay(curve).plot(band="score")
    for i in range(2):
        expected = curve.score_intervals[i]
        np.testing.assert_allclose(edges(display.bands_[i], LEVELS), expected)


def test_marks_the_choices(curve):
    display = NoiseCurveDisplay.from_curve(curve)
    assert curve.best_ == {"mlp__noise_input": 0, "mlp__noise_hidden": 1}
    assert display.best_.get_xydata().tolist() == [[1, curve.means[1, 2]]]
    # Made up: the least noise within one standard error is that of another place.
    scores = {"log_loss": curve.scores["log_loss"].copy()}
    scores["log_loss"][0, 1] = scores["log_loss"][1, 2] + np.linspace(-1, 1.01, 10)
    other = NoiseCurve(NAMES, LEVELS, scores, "log_loss", np.arange(10), 0.25)
    display = NoiseCurveDisplay.from_curve(other)
    assert other.one_se_ == {"mlp__noise_input": 0.1, "mlp__noise_hidden": 0}
    assert display.one_se_.get_xydata().tolist() == [[0.1, other.means[0, 1]]]


def test_marks_no_noise_at_0(curve):
    display = NoiseCurveDisplay.from_curve(curve.by("accuracy"))
    assert display.best_.get_xydata().tolist() == [[0, curve.by("accuracy").means[0, 0]]]


def test_another_metric_keeps_the_choice(curve):
    display = NoiseCurveDisplay.from_curve(curve, metric="accuracy")
    accuracy = curve.by("accuracy").means
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), accuracy[1])
    assert display.best_.get_xydata().tolist() == [[1, accuracy[1, 2]]]
    assert display.ax_.get_ylabel() == "accuracy, mean of 10 splits"
    assert display.best_.get_label() == "best log-loss"


def test_labels_legend_and_axis(curve):
    ax = NoiseCurveDisplay.from_curve(curve).ax_
    assert ax.get_xlabel() == "noise level"
    assert ax.get_ylabel() == "log-loss, mean of 10 splits"
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "no noise",
        "noise_input",
        "noise_hidden",
        "least noise within one standard error",
        "best log-loss",
    ]
    assert legend.get_title().get_text() == "95% bands of the difference to no noise"
    assert ax.get_xscale() == "symlog"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "0.1", "1"]
    # 0 is on the axis, and as far from the next level as reads well.
    x = ax.transData.transform([(level, 0.4) for level in LEVELS])[:, 0]
    left, right = ax.get_window_extent().intervalx
    assert left <= x[0] < x[1] < x[2] <= right
    assert x[1] - x[0] > (right - left) / 10


def test_names_keep_their_prefixes_where_they_need_them(curve):
    names = ("a__noise_input", "b__noise_input")
    same = NoiseCurve(names, LEVELS, curve.scores, "log_loss", curve.seeds, 0.25)
    display = NoiseCurveDisplay.from_curve(same)
    assert [line.get_label() for line in display.lines_] == list(names)


def test_draws_in_given_axes(curve):
    figure, (left, right) = plt.subplots(1, 2)
    display = NoiseCurveDisplay(curve).plot(right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.lines
    assert plt.get_fignums() == [figure.number]


def test_from_estimator_is_the_curve_of_noise_curve(circles):
    X, _, y, _ = circles
    clf = NoisyMLPClassifier(nodes=5, epochs=5, batch_size=None)
    call = {"param_names": "noise_hidden", "cv": 3, "metric": "accuracy", "random_state": 0}
    call["lengths"] = [0.4, 1]
    display = NoiseCurveDisplay.from_estimator(clf, X, y, [0.5, 1], **call)
    expected = noise_curve(clf, X, y, [0.5, 1], **call)
    assert display.curve.metric == "accuracy"
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0, 0.5, 1])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), expected.means[0])
    assert list(display.curve.at_length) == [0.4, 1]


def test_says_that_each_level_has_its_length(curve):
    epochs = np.full((2, 3, 10), 50)
    own = replace(curve, epochs=epochs, at_length={1: curve})
    display = NoiseCurveDisplay.from_curve(own)
    assert display.ax_.get_xlabel() == "noise level, each at its own best length"
    # The epochs that go with the best are no level.
    assert own.best_["mlp__epochs"] == 50
    assert display.best_.get_xydata().tolist() == [[1, curve.means[1, 2]]]


def test_levels_that_diverged_are_gaps(curve):
    curve.scores["log_loss"][0, 1, 3] = np.nan
    curve.scores["accuracy"][:] = np.nan
    display = NoiseCurveDisplay.from_curve(curve)
    assert np.isnan(display.lines_[0].get_ydata()).tolist() == [False, True, False]
    display = NoiseCurveDisplay.from_curve(curve, metric="accuracy")
    display.figure_.canvas.draw()


def test_what_cannot_be_drawn(curve, monkeypatch):
    with pytest.raises(ValueError, match="metric='f1' must be one of"):
        NoiseCurveDisplay.from_curve(curve, metric="f1")
    with pytest.raises(ValueError, match="band='std' must be 'difference' or 'score'"):
        NoiseCurveDisplay(curve).plot(band="std")
    assert not plt.get_fignums()
    original = builtins.__import__

    def without(name, *args):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"from_estimator requires matplotlib"):
        NoiseCurveDisplay.from_estimator(None, None, None)
