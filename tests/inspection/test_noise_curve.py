"""The noise curve: its fits against fits by hand, its statistics against closed forms."""

import subprocess
import sys
import warnings

import joblib
import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss, mean_squared_error, r2_score
from sklearn.model_selection import GroupKFold, LeaveOneOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoiseCurve, NoisyMLPClassifier, NoisyMLPRegressor, noise_curve
from sknoise.inspection._scores import calibration_error
from sknoise.training import _stack

LEVELS = np.array([0, 0.1, 1])
LAZY = pl.DataFrame({"a": range(60)}).lazy()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    return X, np.where(X[:, 0] + rng.normal(size=60) > 0, "yes", "no")


@pytest.fixture
def clf():
    return NoisyMLPClassifier(nodes=10, epochs=10, batch_size=None, learning_rate=0.05)


@pytest.fixture
def pipeline(clf):
    return make_pipeline(StandardScaler(), clf)


def constructed(values, metric="log_loss", test_ratio=0.25):
    """Make a curve of scores of shape (n_params, n_levels, n_splits)."""
    values = np.asarray(values, dtype=float)
    names = tuple(f"noise_{i}" for i in range(values.shape[0]))
    levels = np.arange(values.shape[1]) / 10
    seeds = np.arange(values.shape[2])
    return NoiseCurve(names, levels, {metric: values}, metric, seeds, test_ratio)


# What it measures.


def test_each_score_is_that_of_a_fit_by_hand(data, pipeline):
    X, y = data
    cv = StratifiedKFold(3, shuffle=True, random_state=1)
    curve = noise_curve(pipeline, X, y, LEVELS, cv=cv, lengths=None, random_state=0)
    names = ("noisymlpclassifier__noise_input", "noisymlpclassifier__noise_hidden")
    assert curve.param_names == names
    assert len(set(curve.seeds)) == 3
    assert curve.test_ratio == pytest.approx(0.5)
    assert all(scores.shape == (2, 3, 3) for scores in curve.scores.values())
    for k, (train, test) in enumerate(cv.split(X, y)):
        for i, name in enumerate(names):
            for j, level in enumerate(LEVELS):
                model = clone(pipeline).set_params(**dict.fromkeys(names, 0))
                model.set_params(
                    **{name: level}, noisymlpclassifier__random_state=int(curve.seeds[k])
                )
                model.fit(X[train], y[train])
                got = {metric: scores[i, j, k] for metric, scores in curve.scores.items()}
                loss = log_loss(y[test], model.predict_proba(X[test]))
                assert got["log_loss"] == pytest.approx(loss, rel=1e-5)
                assert got["accuracy"] == model.score(X[test], y[test])
    # No noise is one network, wherever there is none.
    for scores in curve.scores.values():
        np.testing.assert_array_equal(scores[0, 0], scores[1, 0])


def test_regressor_by_hand(data):
    X = data[0]
    y = 5 + X @ [[1.0, 2.0], [0.5, -1.0]]
    mlp = NoisyMLPRegressor(nodes=5, noise_input=2, epochs=20, learning_rate=0.05)
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), mlp), transformer=StandardScaler()
    )
    curve = noise_curve(model, X, y, [0.2], param_names="noise_hidden", cv=2, random_state=0)
    (name,) = curve.param_names
    assert name == "regressor__noisymlpregressor__noise_hidden"
    assert curve.metric == "root_mean_squared_error"
    np.testing.assert_array_equal(curve.noise_levels, [0, 0.2])
    seed = {"regressor__noisymlpregressor__random_state": int(curve.seeds[1])}
    by_hand = clone(model).set_params(**{name: 0.2}, **seed).fit(X[:30], y[:30])
    predicted = by_hand.predict(X[30:])
    rmse = np.sqrt(mean_squared_error(y[30:], predicted, multioutput="raw_values")).mean()
    assert curve.scores["root_mean_squared_error"][0, 1, 1] == pytest.approx(rmse, rel=1e-5)
    r2 = r2_score(y[30:], predicted)
    assert curve.scores["r2"][0, 1, 1] == pytest.approx(r2, rel=1e-4)
    # Only what is named is switched off: noise_input keeps its 2.
    seed = {"regressor__noisymlpregressor__random_state": int(curve.seeds[0])}
    silent = {"regressor__noisymlpregressor__noise_input": 0}
    one, other = (
        clone(model).set_params(**{name: 0}, **seed, **more).fit(X[30:], y[30:])
        for more in ({}, silent)
    )
    first = curve.scores["r2"][0, 0, 0]
    assert first == pytest.approx(r2_score(y[:30], one.predict(X[:30])), rel=1e-4)
    assert first != pytest.approx(r2_score(y[:30], other.predict(X[:30])), rel=1e-4)


def test_default_splits_are_repeated_stratified_and_seeded(data):
    X, y = data
    seen = []

    class Recorder(NoisyMLPClassifier):
        def fit(self, X, y):
            seen.append((self.noise_input, self.random_state, X, y))
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.full(len(X), "yes")

        def predict_proba(self, X):
            return np.full((len(X), 2), [0.25, 0.75])

        def predict_log_proba(self, X):
            return np.log(self.predict_proba(X))

    call = {"param_names": "noise_input", "random_state": 3}
    with joblib.parallel_config(backend="sknoise", n_jobs=1):  # One after the other.
        one, again = (noise_curve(Recorder(), X, y, [0.5], lengths=None, **call) for _ in range(2))
    assert one.scores["accuracy"].shape == (1, 2, 50)
    for metric, scores in one.scores.items():
        np.testing.assert_array_equal(scores, again.scores[metric])
    np.testing.assert_array_equal(one.seeds, again.seeds)
    for k in range(50):
        (off, seed, X_off, y_off), (on, same, X_on, _) = seen[2 * k : 2 * k + 2]
        assert (off, on) == (0, 0.5)
        assert seed == same == one.seeds[k]
        np.testing.assert_array_equal(X_off, X_on)
        counts = [abs((y_off == c).sum() - 0.8 * (y == c).sum()) for c in ("no", "yes")]
        assert max(counts) < 1
    # Each row is a training row in four folds of five.
    for repeat in range(10):
        rows = np.concatenate([s[2] for s in seen[10 * repeat : 10 * repeat + 10 : 2]])
        assert np.unique(rows, axis=0).shape == X.shape
        assert len(rows) == 4 * len(X)
    accuracy = one.scores["accuracy"]
    loss = -accuracy * np.log(0.75) - (1 - accuracy) * np.log(0.25)
    np.testing.assert_allclose(one.scores["log_loss"], loss)
    gap = np.abs(accuracy - 0.75)
    np.testing.assert_allclose(one.scores["calibration_error"], gap, atol=1e-12)


def test_leaves_the_estimator_and_global_random_state_alone(data, pipeline):
    before, state = pipeline.get_params(), np.random.get_state()[1].copy()  # noqa: NPY002
    noise_curve(pipeline, *data, [0.1], param_names="noise_input", cv=2, lengths=[0.5, 1])
    assert pipeline.get_params() == before
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_log_loss_without_log_probabilities(data, clf):
    X, y = data
    curve = noise_curve(
        CalibratedClassifierCV(clf, cv=2, ensemble=False),
        X,
        y,
        [0.1],
        param_names="noise_input",
        cv=2,
        random_state=0,
    )
    assert curve.param_names == ("estimator__noise_input",)
    assert np.isfinite(curve.scores["log_loss"]).all()


@pytest.mark.parametrize("own", [False, True])
def test_trains_in_stacks_and_keeps_the_callers_backend(monkeypatch, data, clf, own):
    sizes, train_stack = [], _stack.train_stack

    def count(tasks, *args):
        sizes.append(len(tasks))
        return train_stack(tasks, *args)

    monkeypatch.setattr(_stack, "train_stack", count)
    call = {"param_names": "noise_input", "cv": 4, "lengths": None, "random_state": 0}
    if own:
        with joblib.parallel_config(backend="sknoise", max_networks=3):
            noise_curve(clf, *data, [0.1, 0.2], **call)
    else:
        noise_curve(clf, *data, [0.1, 0.2], **call)
    assert sum(sizes) == 12
    assert max(sizes) == (3 if own else 12)


def test_groups_go_to_the_splitter(data, clf):
    groups = np.arange(60) % 4
    curve = noise_curve(
        clf,
        *data,
        [0.1],
        param_names="noise_input",
        cv=GroupKFold(4),
        groups=groups,
        lengths=None,
    )
    assert curve.test_ratio == pytest.approx(1 / 3)


# What it says.


def test_interval_is_the_corrected_t_interval(rng):
    values = rng.normal(size=(2, 3, 50))
    values[1, 0] = values[0, 0]
    curve = constructed(values, test_ratio=0.25)
    d = values[1, 2] - values[1, 0]
    variance = d.var(ddof=1) * (1 / 50 + 0.25)
    expected = stats.t.interval(0.95, 49, loc=d.mean(), scale=np.sqrt(variance))
    np.testing.assert_allclose(curve.intervals[1, 2], expected)
    np.testing.assert_array_equal(curve.intervals[:, 0], 0)
    s = values[0, 1]
    scale = np.sqrt(s.var(ddof=1) * (1 / 50 + 0.25))
    expected = stats.t.interval(0.95, 49, loc=s.mean(), scale=scale)
    np.testing.assert_allclose(curve.score_intervals[0, 1], expected)
    np.testing.assert_allclose(curve.means, values.mean(axis=2))


def test_without_shared_rows_it_is_the_paired_t_test(rng):
    values = rng.normal(size=(1, 2, 9))
    values[0, 1] += 0.5
    curve = constructed(values, test_ratio=0)
    expected = stats.ttest_rel(values[0, 1], values[0, 0]).confidence_interval(0.95)
    np.testing.assert_allclose(curve.intervals[0, 1], [expected.low, expected.high])
    # A single candidate: nothing was chosen, and nothing is corrected.
    np.testing.assert_allclose(curve.helps.interval, [expected.low, expected.high])


def test_verdict_yes_and_no_and_its_correction(rng):
    noise = rng.normal(scale=0.1, size=(2, 3, 20))
    noise[1, 0] = noise[0, 0]
    means = np.array([[1, 0.9, 1.2], [1, 0.5, 0.8]])
    curve = constructed(means[..., None] + noise)
    verdict = curve.helps
    assert verdict
    assert (verdict.param_name, verdict.noise_level, verdict.n_candidates) == ("noise_1", 0.1, 4)
    d = curve.differences[1, 1]
    scale = d.std(ddof=1) * np.sqrt(1 / 20 + 0.25)
    expected = stats.t.interval(1 - 0.05 / 4, 19, loc=d.mean(), scale=scale)
    np.testing.assert_allclose(verdict.interval, expected)
    assert str(verdict).startswith("Yes: the best noise, noise_1=0.1, changes log_loss by -0.")
    # The same figures as accuracies: the best noise is another one, and no better than chance.
    verdict = constructed(means[..., None] + noise, "accuracy").helps
    assert (verdict.param_name, verdict.noise_level) == ("noise_0", 0.2)
    assert bool(verdict) == (verdict.interval[0] > 0)


def test_verdict_no_where_one_interval_alone_would_say_yes():
    d = np.tile([-1.0, 1.0], 10)
    scale = d.std(ddof=1) * np.sqrt(1 / 20 + 0.25)
    # Between the quantiles of one interval and of one among four.
    shift = scale * (stats.t.ppf(0.975, 19) + stats.t.ppf(1 - 0.025 / 4, 19)) / 2
    worse = np.full(20, 9.0)
    curve = constructed([[np.zeros(20), d - shift, worse], [np.zeros(20), worse, worse]])
    assert curve.intervals[0, 1, 1] < 0
    assert not curve.helps
    assert str(curve.helps).startswith("Not clearly: the best noise, noise_0=0.1, changes ")
    assert "best of 4" in str(curve.helps)


def test_verdict_says_no_where_all_noise_hurts():
    curve = constructed([[[1, 1.1, 0.9], [2, 2.2, 2.0], [3, 3.1, 3.0]]])
    assert not curve.helps
    assert curve.helps.interval[0] > 0
    assert str(curve.helps).startswith("No: even the best noise, noise_0=0.1, changes log_loss")
    assert curve.best_ == curve.one_se_ == {"noise_0": 0}


def test_one_standard_error_takes_the_least_noise():
    base = np.zeros(4)
    wave = np.array([-1.0, 1, -1, 1])
    error = wave.std(ddof=1) * np.sqrt(1 / 4 + 0.25)
    best = base - 5
    near, far = best + wave + 0.99 * error, best + wave + 1.01 * error
    rows = [base, far, near, best]
    assert constructed([rows]).one_se_ == {"noise_0": 0.2}
    assert constructed([rows]).best_ == {"noise_0": 0.3}
    # Of two places at the lowest level, the better one.
    rows_1 = [base, base, near - 0.1, base]
    assert constructed([rows, rows_1]).one_se_ == {"noise_0": 0, "noise_1": 0.2}
    # A lower level elsewhere.
    rows_1 = [base, near, base, base]
    assert constructed([rows, rows_1]).one_se_ == {"noise_0": 0, "noise_1": 0.1}
    # No noise, if that is near enough.
    assert constructed([[near, far, best]]).one_se_ == {"noise_0": 0}
    # For a metric of which more is better, the other way round.
    assert constructed([[-r for r in rows]], "accuracy").one_se_ == {"noise_0": 0.2}


def test_best_goes_into_the_estimator(data, pipeline):
    curve = noise_curve(pipeline, *data, [0.1, 0.5], cv=2, lengths=[0.5, 1], random_state=0)
    tuned = clone(pipeline).set_params(**curve.best_)
    means = curve.means
    i, j = np.unravel_index(means.argmin(), means.shape)
    levels = [tuned[-1].noise_input, tuned[-1].noise_hidden]
    assert levels[i] == curve.noise_levels[j]
    assert levels[1 - i] == 0
    assert abs(tuned[-1].epochs - np.median(curve.epochs[i, j])) <= 0.5


def test_by_another_metric(rng):
    scores = {m: rng.normal(size=(1, 3, 5)) for m in ("log_loss", "accuracy")}
    curve = NoiseCurve(("noise_input",), LEVELS, scores, "log_loss", np.arange(5), 0.25)
    other = curve.by("accuracy")
    assert (curve.metric, other.metric) == ("log_loss", "accuracy")
    np.testing.assert_array_equal(other.means, scores["accuracy"].mean(axis=2))
    best = LEVELS[scores["accuracy"].mean(axis=2)[0].argmax()]
    assert other.best_ == {"noise_input": best}
    with pytest.raises(ValueError, match=r"metric='f1' must be one of \['accuracy', 'log_loss'\]"):
        curve.by("f1")


def test_nan_is_never_the_best():
    nan = np.full(4, np.nan)
    wave = np.array([-1.0, 1, -1, 1])
    curve = constructed([[wave, [1, np.nan, -99, -99], wave + 2], [wave, wave - 5, nan]])
    assert curve.best_ == {"noise_0": 0, "noise_1": 0.1}
    assert curve.one_se_ == {"noise_0": 0, "noise_1": 0.1}
    assert curve.helps.noise_level == 0.1
    assert curve.helps.n_candidates == 4


@pytest.mark.parametrize("silent", [0.0, np.nan])
def test_cannot_say_where_there_is_nothing_to_compare(silent):
    noisy = 1.0 if np.isnan(silent) else np.nan
    curve = constructed([[np.full(4, silent), np.full(4, noisy)]])
    says = "Cannot say: log_loss is NaN without noise, or at all levels of it."
    assert str(curve.helps) == says
    assert not curve.helps
    assert curve.best_ == {"noise_0": 0 if np.isnan(noisy) else 0.1}


def test_a_metric_that_one_row_has_not(data):
    X, y = data[0][:6], data[0][:6, 0]
    reg = NoisyMLPRegressor(nodes=5, epochs=5)
    call = {"param_names": "noise_input", "cv": LeaveOneOut(), "lengths": None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = noise_curve(reg, X, y, [0.1], **call)
    assert np.isfinite(curve.scores["root_mean_squared_error"]).all()
    assert np.isnan(curve.scores["r2"]).all()
    assert str(curve.by("r2").helps).startswith("Cannot say: r2 is NaN")


def test_calibration_error_by_hand():
    # Bins of a fifteenth, closed on the right: 0.6 = 9/15, 0.63, then 0.95 twice.
    confidence = np.array([0.6, 0.63, 0.95, 0.95])
    correct = np.array([True, False, True, False])
    by_hand = (abs(1 - 0.6) + abs(0 - 0.63) + 2 * abs(0.5 - 0.95)) / 4
    assert calibration_error(confidence, correct) == pytest.approx(by_hand)
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0
    assert calibration_error(np.array([0.5, 0.5]), np.array([True, False])) == 0


# What it refuses.


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"estimator": LogisticRegression()}, ValueError, "LogisticRegression has no noise"),
        ({"estimator": StandardScaler()}, TypeError, "must be a classifier or a regressor"),
        ({"estimator": "mlp"}, TypeError, "must be a classifier or a regressor, not str"),
        ({"estimator": RidgeClassifier()}, TypeError, "RidgeClassifier has no predict_proba"),
        ({"noise_levels": [0]}, ValueError, r"noise_levels=\[0\] must be finite numbers"),
        ({"noise_levels": [-1, 1]}, ValueError, r"noise_levels=\[-1, 1\] must be"),
        ({"noise_levels": [np.inf]}, ValueError, r"noise_levels=\[inf\] must be"),
        ({"noise_levels": ["much"]}, ValueError, r"noise_levels=\['much'\] must be"),
        ({"param_names": "noise"}, ValueError, "'noise' is no level of noise"),
        ({"param_names": "nodes"}, ValueError, "'nodes' is no level of noise"),
        ({"param_names": ()}, ValueError, r"param_names=\(\) is empty"),
        ({"param_names": ["noise_input"] * 2}, ValueError, "names a parameter twice"),
        ({"param_names": "dropout"}, ValueError, "'dropout' .* Got "),
        ({"param_names": "noise_target", "noise_levels": [2]}, ValueError, "'noise_target'"),
        ({"estimator": NoisyMLPClassifier(epochs=0)}, ValueError, "'epochs' .* Got 0"),
        ({"metric": "r2"}, ValueError, "metric='r2' must be one of .*'log_loss'"),
        ({"y": np.eye(60, 3, dtype=int)}, ValueError, "y is multilabel-indicator"),
        ({"y": np.linspace(0, 1, 60)}, ValueError, "y is continuous"),
        ({"y": np.arange(59) % 2}, ValueError, "inconsistent numbers of samples"),
        ({"y": np.arange(60) == 0, "cv": StratifiedKFold(2)}, ValueError, "all rows of .*True"),
        ({"cv": [(np.arange(30), np.arange(30, 60))]}, ValueError, "makes 1 split"),
        ({"estimator": NoisyMLPRegressor(), "y": np.full(60, np.nan)}, ValueError, "y.* NaN"),
        ({"random_state": "seed"}, ValueError, "seed"),
        ({"lengths": []}, ValueError, r"lengths=\[\] must be finite numbers above 0"),
        ({"lengths": [0, 1]}, ValueError, r"lengths=\[0, 1\] must be"),
        ({"lengths": [np.nan]}, ValueError, r"lengths=\[nan\] must be"),
        ({"lengths": "long"}, ValueError, "lengths='long' must be"),
        (
            {"lengths": [1, 2], "estimator": NoisyMLPClassifier(early_stopping=True)},
            ValueError,
            r"lengths=\[1, 2\] cannot be tried: with early_stopping=True .* Use lengths=None",
        ),
        (
            {"lengths": 1, "estimator": CalibratedClassifierCV(NoisyMLPClassifier())},
            ValueError,
            "here it is in CalibratedClassifierCV. Use lengths=None",
        ),
        (
            {
                "estimator": NoisyMLPRegressor(),
                "y": np.arange(60.0),
                "metric": "r2",
                "cv": LeaveOneOut(),
            },
            ValueError,
            r"metric='r2' needs 2 or more test rows .* cv=LeaveOneOut\(\) makes one of 1: give",
        ),
        ({"cv": [(np.arange(60), [])] * 2}, ValueError, "needs 1 or more test rows"),
        ({"y": np.arange(60).astype(object) % 2}, ValueError, "y has the dtype object"),
        (
            {"estimator": NoisyMLPRegressor(), "y": np.arange(60).astype("datetime64[D]")},
            TypeError,
            r"y has the dtype datetime64\[D\]",
        ),
        ({"X": LAZY}, TypeError, "X is a LazyFrame of polars"),
        ({"y": LAZY}, TypeError, "y is a LazyFrame of polars"),
        ({"groups": LAZY}, TypeError, "groups is a LazyFrame of polars"),
    ],
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_refuses_before_any_training(monkeypatch, data, change, error, message):
    def refuse(*_):
        raise AssertionError("training has started")

    monkeypatch.setattr(_stack, "train_stack", refuse)
    call = {"estimator": NoisyMLPClassifier(), "X": data[0], "y": data[1]} | change
    with pytest.raises(error, match=message):
        noise_curve(**call)


def test_an_ending_of_two_parameters_is_refused(data, clf):
    from sklearn.ensemble import VotingClassifier

    both = VotingClassifier([("a", clf), ("b", clone(clf))], voting="soft")
    with pytest.raises(ValueError, match=r"'noise_input' matches \['a__noise_input', 'b__noise"):
        noise_curve(both, *data, [0.1])
    # Their lengths cannot be set, and are left as they are.
    curve = noise_curve(both, *data, [0.1], param_names="b__noise_input", cv=2)
    assert curve.param_names == ("b__noise_input",)
    assert curve.at_length is None


def test_import_brings_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, sknoise, sknoise.plotting; sknoise.noise_curve; "
        "print([m for m in ('tensorflow', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
