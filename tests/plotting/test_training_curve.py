"""Training curves: what is drawn, and what the rule says on both sides of its thresholds."""

import matplotlib
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_circles
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier
from sknoise.plotting import TrainingCurveDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

EPOCHS = 100


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


class Fitted:
    """An estimator with a history."""

    def __init__(self, classes=None, **history):
        self.history_ = {name: np.asarray(values, float) for name, values in history.items()}
        if classes is not None:
            self.classes_ = np.arange(classes)

    def fit(self, X, y):
        return self

    def __sklearn_tags__(self):
        classifier = NoisyMLPClassifier().__sklearn_tags__()
        classifier.estimator_type = "classifier" if hasattr(self, "classes_") else "regressor"
        return classifier


def falls(shift=0.0, n_epochs=EPOCHS):
    loss = 0.7 * np.exp(-np.arange(n_epochs) / 10) + shift
    return {"loss": loss, "accuracy": 1 - loss, "val_loss": loss + 0.1, "val_accuracy": 0.9 - loss}


def display_of(train, val, baseline=1.0):
    history = {"loss": np.atleast_2d(train), "val_loss": np.atleast_2d(val)}
    return TrainingCurveDisplay(history=history, baseline=baseline)


def test_a_single_fit():
    history = falls()
    history["val_loss"] = 0.2 + (np.arange(EPOCHS) - 30) ** 2 / 1e4
    display = TrainingCurveDisplay.from_estimator(Fitted(classes=2, **history))
    loss, accuracy = display.axes_
    assert display.ax_ is loss
    assert display.figure_ is loss.figure
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    for name, values in history.items():
        x, y = display.lines_[name].get_data()
        np.testing.assert_array_equal(x, np.arange(1, EPOCHS + 1))
        np.testing.assert_array_equal(y, values)
    assert display.bands_ == {}
    assert display.best_epoch == 31
    words = [text.get_text() for text in loss.get_legend().get_texts()]
    assert words == ["train", "validation", "baseline", "best epoch, 31"]
    ends = [history[name][-EPOCHS // 10 :].mean() for name in ("loss", "val_loss")]
    assert loss.texts[0].get_text().split() == ["gap", f"{ends[1] - ends[0]:.2g}"]
    (bracket,) = [line for line in loss.lines if line.get_label() == "_gap"]
    np.testing.assert_allclose(bracket.get_ydata(), ends)
    marks = {line.get_label(): line for line in loss.lines}
    assert marks["best epoch, 31"].get_xdata()[0] == 31
    np.testing.assert_allclose(marks["baseline"].get_ydata(), np.log(2))


def test_several_fits_are_drawn_as_mean_and_interval():
    fits = [Fitted(**falls(shift)) for shift in (0, 0.1, 0.5)]
    fits[1] = Fitted(**falls(0.1, n_epochs=EPOCHS + 5))
    display = TrainingCurveDisplay.from_estimator(fits, metrics="loss")
    (ax,) = display.axes_
    # scipy's own interval is the oracle.
    losses = np.array([fit.history_["loss"][:EPOCHS] for fit in fits])
    np.testing.assert_allclose(display.lines_["loss"].get_ydata(), losses.mean(axis=0))
    low, high = stats.t.interval(0.95, 2, losses.mean(axis=0), stats.sem(losses))
    corners = display.bands_["loss"].get_paths()[0].vertices
    np.testing.assert_allclose(corners[:, 1].min(), low.min())
    np.testing.assert_allclose(corners[:, 1].max(), high.max())
    assert set(display.bands_) == {"loss", "val_loss"}
    assert display.history["loss"].shape == (3, EPOCHS)
    assert ax.get_ylabel() == "loss"


def test_the_end_of_a_pipeline_and_given_axes():
    pipeline = make_pipeline(StandardScaler(), Fitted(**falls()))
    _, axes = plt.subplots(2)
    display = TrainingCurveDisplay.from_estimator(pipeline, ax=axes)
    assert display.axes_ == list(axes)
    # A single one takes the loss.
    _, ax = plt.subplots()
    assert display.plot(ax).axes_ == [ax]
    assert ax.get_ylabel() == "loss"
    with pytest.raises(ValueError, match="ax has 1 axes, but there are 2 metrics"):
        display.plot(ax, metrics=["loss", "accuracy"])
    with pytest.raises(ValueError, match="metrics has 'f1'"):
        display.plot(metrics="f1")


def test_without_validation_data():
    display = TrainingCurveDisplay.from_estimator(Fitted(loss=[3, 2, 1]))
    assert display.best_epoch is None
    assert list(display.lines_) == ["loss"]
    assert not display.ax_.texts
    with pytest.raises(ValueError, match="give X_val and y_val to fit"):
        display.diagnose()
    nothing = Fitted(loss=[3, 2, 1], val_loss=[np.nan] * 3)
    with pytest.raises(ValueError, match="give X_val and y_val to fit"):
        TrainingCurveDisplay.from_estimator(nothing).diagnose()


def test_epochs_without_validation_data_do_not_count():
    part = np.linspace(1, 0.1, 50)
    loss, val = np.r_[part, part], np.r_[np.full(50, np.nan), part]
    display = TrainingCurveDisplay.from_estimator(Fitted(loss=loss, val_loss=val), baseline=1)
    assert display.best_epoch == 100
    assert display.diagnose()._replace(best_epoch=50) == display_of(part, part).diagnose()


@pytest.mark.parametrize(
    ("estimator", "error", "says"),
    [
        ([], ValueError, "at least one"),
        (NoisyMLPClassifier(), NotFittedError, "not fitted"),
        (LogisticRegression().fit([[0], [1]], [0, 1]), TypeError, "has no history_"),
        ([Fitted(**falls()), Fitted(loss=[1, 2])], ValueError, "same figures"),
    ],
    ids=["none", "unfitted", "other", "mixed"],
)
def test_what_cannot_be_drawn(estimator, error, says):
    with pytest.raises(error, match=says):
        TrainingCurveDisplay.from_estimator(estimator)


def test_the_baseline():
    draw = TrainingCurveDisplay.from_estimator
    assert draw(Fitted(classes=3, **falls())).baseline == pytest.approx(np.log(3))
    assert draw(Fitted(classes=1, **falls())).baseline == pytest.approx(np.log(2))
    assert draw(Fitted(classes=3, **falls()), baseline=0.5).baseline == 0.5
    labels = Fitted(classes=3, **falls())
    labels._multilabel = True
    assert draw(labels).baseline == pytest.approx(np.log(2))
    # A regressor's unit is its first loss.
    regressor = draw(Fitted(loss=np.full(20, 5.0), val_loss=np.full(20, 5.0)))
    assert regressor.baseline is None
    assert regressor.diagnose().level == pytest.approx(1)


FLAT = np.full(EPOCHS, 0.3)


def rising(by):
    """End so far above the least value, which is 0.3."""
    return 0.3 + by * np.clip((np.arange(EPOCHS) - 50) / 30, 0, 1)


@pytest.mark.parametrize(
    ("train", "val", "verdict"),
    [
        (FLAT - 0.2, rising(0.051), "overfit"),
        (FLAT - 0.2, rising(0.049), "good fit"),
        (FLAT - 0.04, rising(0.051), "good fit"),
        (FLAT - 0.06, rising(0.051), "overfit"),
        (FLAT, FLAT + 0.51, "overfit"),
        (FLAT, FLAT + 0.49, "good fit"),
        (FLAT + 0.66, FLAT + 0.66, "underfit"),
        (FLAT + 0.64, FLAT + 0.64, "good fit"),
        # No better than the baseline on validation data: by the gap, one or the other.
        (FLAT + 0.57, FLAT + 0.66, "underfit"),
        (FLAT + 0.55, FLAT + 0.66, "overfit"),
        # Noise in training alone holds the training loss up.
        (FLAT + 0.61, FLAT, "good fit"),
    ],
)
def test_both_sides_of_the_thresholds_of_level(train, val, verdict):
    assert display_of(train, val).diagnose().verdict == verdict
    # The unit is the baseline, so that both can be scaled.
    assert display_of(10 * train, 10 * val, baseline=10.0).diagnose().verdict == verdict


@pytest.mark.parametrize(
    ("train_gain", "val_gain", "verdict"),
    [(0.11, 0.11, "underfit"), (0.09, 0.11, "good fit"), (0.11, 0.09, "good fit")],
)
def test_both_sides_of_the_threshold_of_the_pace(train_gain, val_gain, verdict):
    # A straight line falls as much in as many epochs again.
    line = np.arange(EPOCHS) / EPOCHS
    display = display_of(0.5 - train_gain * line, 0.5 - val_gain * line)
    found = display.diagnose()
    assert found.verdict == verdict
    assert found.to_gain == pytest.approx(min(train_gain, val_gain))


def test_thresholds_are_parameters_and_jitter_is_smoothed_away(rng):
    display = display_of(FLAT - 0.2, rising(0.2))
    assert display.diagnose(rise=0.3).verdict == "good fit"
    assert display.diagnose(gap=0.5).verdict == "good fit"
    assert display.diagnose(rise=0.3, wide_gap=0.35).verdict == "overfit"
    assert display.diagnose(rise=0.3, level=0.45).verdict == "overfit"
    assert display.diagnose(gap=0.45, level=0.45).verdict == "underfit"
    assert display.diagnose(rise=0.3, to_gain=-1).verdict == "underfit"
    noisy = np.full((2, 1000), 0.4) + 0.05 * rng.standard_normal((2, 1000))
    assert display_of(noisy[0] - 0.2, noisy[1]).diagnose().verdict == "good fit"


def test_few_epochs():
    assert display_of([1, 0.8], [1, 0.9]).diagnose().verdict == "underfit"
    with pytest.raises(ValueError, match="at least 2 epochs"):
        display_of([1], [1]).diagnose()


@pytest.mark.parametrize(
    ("verdict", "options"),
    [
        ("overfit", {"noise_input": 0, "noise_hidden": 0, "epochs": 1500}),
        ("underfit", {"noise_input": 0.3, "noise_hidden": 0.3, "epochs": 5}),
        ("good fit", {"noise_input": 0.3, "noise_hidden": 0.3, "epochs": 1500}),
    ],
)
def test_real_fits(verdict, options):
    # Overlapping circles, few rows to learn from.
    X, y = make_circles(n_samples=300, noise=0.2, factor=0.5, random_state=0)
    X, X_val, y, y_val = train_test_split(X, y, train_size=40, random_state=0)
    options |= {"alpha": 0, "batch_size": None, "learning_rate": 0.01, "random_state": 0}
    clf = NoisyMLPClassifier(100, **options).fit(X, y, X_val=X_val, y_val=y_val)
    assert TrainingCurveDisplay.from_estimator(clf).diagnose().verdict == verdict
