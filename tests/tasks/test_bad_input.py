"""What cannot be used is refused before any training, by an error that names it."""

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.training import _stack

X = np.random.default_rng(0).normal(size=(20, 3))
y = np.arange(20) % 2


class Constant(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of somebody's own that does not say what it was made with."""

    def __call__(self, step):
        return 0.01


class Unregistered(Constant):
    def get_config(self):
        return {}


class Unsaved(Constant):
    def get_config(self):
        return {"rate": object()}


@pytest.fixture(autouse=True)
def no_training(monkeypatch, request):
    """Fail where training starts."""
    if "trains" not in request.keywords:

        def refuse(*_):
            raise AssertionError("training has started")

        monkeypatch.setattr(_stack, "train_stack", refuse)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"noise_input": -0.1}, r"'noise_input' .* Got -0.1"),
        ({"noise_input": np.inf}, "'noise_input' .* Got inf"),
        ({"noise_input": "a lot"}, "'noise_input' .* Got 'a lot'"),
        ({"noise_input": "none"}, "'noise_input' .* Got 'none'"),
        ({"noise_input": None}, "'noise_input' .* Got None"),
        ({"noise_hidden": "Auto"}, "'noise_hidden' .* Got 'Auto'"),
        ({"noise_hidden": None}, "'noise_hidden' .* Got None"),
        ({"noise_hidden": ("auto", 0.1), "nodes": (5, 5)}, "noise_hidden=.* must be"),
        ({"noise_activation": "auto"}, "'noise_activation' .* Got 'auto'"),
        ({"noise_hidden": -1}, "'noise_hidden' .* Got -1"),
        ({"noise_hidden": (0.1, 0.2)}, r"noise_hidden=\(0.1, 0.2\) has 2 levels, .* 1 hidden"),
        ({"noise_hidden": (), "nodes": 5}, r"noise_hidden=\(\) has 0 levels"),
        ({"noise_hidden": (0.1, -1), "nodes": (5, 5)}, r"noise_hidden=\(0.1, -1\) must be"),
        ({"noise_hidden": (0.1, np.nan), "nodes": (5, 5)}, "noise_hidden=.* must be"),
        ({"noise_hidden": (0.1, "b"), "nodes": (5, 5)}, "noise_hidden=.* must be"),
        ({"nodes": 0}, "'nodes' .* Got 0"),
        ({"nodes": -5}, "'nodes' .* Got -5"),
        ({"nodes": 5.0}, "'nodes' .* Got 5.0"),
        ({"nodes": ()}, r"nodes=\(\) must be a positive integer"),
        ({"nodes": (5, 0)}, r"nodes=\(5, 0\) must be a positive integer"),
        ({"nodes": (5, 2.0)}, r"nodes=\(5, 2.0\) must be a positive integer"),
        ({"nodes": "many"}, "'nodes' .* Got 'many'"),
        ({"nodes": (2,) * 255}, "255 hidden layers, .* at most 254"),
        ({"nodes": 2**22 + 1}, "up to 4194305 .* at most 254 and 4194304"),
        ({"nodes": (2**22, 2**22)}, r"nodes=.* make 1.8e\+13 weights; .* 2.1e\+09 at most"),
        ({"activation": "rleu"}, "'activation' .* Got 'rleu'"),
        ({"activation": "softmax"}, "'activation' .* Got 'softmax'"),
        ({"optimizer": "adamm"}, "optimizer='adamm' .* not known to Keras"),
        ({"optimizer": 3}, "'optimizer' .* Got 3"),
        ({"optimizer": {"class_name": "SGD", "config": {"momentun": 0.9}}}, "momentun"),
        ({"optimizer": {"name": "SGD"}}, "optimizer=.* must be a Keras optimizer's name"),
        (
            {"optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.1}}},
            "give that as the parameter learning_rate",
        ),
        ({"optimizer": {"class_name": "SGD", "config": {"momentum": 1j}}}, "plain numbers"),
        ({"learning_rate": 0}, "'learning_rate' .* Got 0"),
        ({"learning_rate": np.inf}, "'learning_rate' .* Got inf"),
        ({"engine": "jax"}, "'engine' .* Got 'jax'"),
        ({"epochs": 0}, "'epochs' .* Got 0"),
        ({"epochs": 1.5}, "'epochs' .* Got 1.5"),
        ({"epochs": "Auto"}, "'epochs' .* Got 'Auto'"),
        ({"epochs": None}, "'epochs' .* Got None"),
        ({"batch_size": 0}, "'batch_size' .* Got 0"),
        ({"batch_size": "Auto"}, "'batch_size' .* Got 'Auto'"),
        ({"batch_size": "large"}, "'batch_size' .* Got 'large'"),
        ({"shuffle": "no"}, "'shuffle' .* Got 'no'"),
        ({"class_weight": "fair"}, "'class_weight' .* Got 'fair'"),
        ({"class_weight": {0: -1.0}}, r"class_weight=\{0: -1.0\} leaves weights that are neg"),
        ({"class_weight": {0: 0, 1: 0}}, "class_weight=.* all 0"),
        ({"random_state": "seed"}, "'random_state' .* Got 'seed'"),
        ({"noise_activation": -1}, "'noise_activation' .* Got -1"),
        ({"noise_weights": (0.1, 0.2, 0.3)}, "noise_weights=.* 3 levels, but there are 2 kernels"),
        ({"noise_gradient": -1}, "'noise_gradient' .* Got -1"),
        ({"noise_target": 1.5}, "'noise_target' .* Got 1.5"),
        ({"noise_distribution": "cauchy"}, "'noise_distribution' .* Got 'cauchy'"),
        ({"noise_kind": "divided"}, "'noise_kind' .* Got 'divided'"),
        ({"noise_schedule": "exp"}, "'noise_schedule' .* Got 'exp'"),
        ({"noise_schedule": lambda f: -f}, "noise_schedule=.* gives -.* must give a finite"),
        ({"noise_schedule": lambda f: 1e39}, r"gives 1e\+39 for the fraction 0"),
        ({"noise_schedule": lambda f: 10**400}, "gives 10+ for the fraction 0"),
        ({"noise_schedule": lambda f: "a lot"}, "gives 'a lot' for the fraction 0"),
        ({"noise_relative": True, "noise_kind": "multiplicative"}, "needs noise_kind='additive'"),
        ({"noise_free": [3]}, r"noise_free=\[3\] names 3, but X has the features 0 to 2"),
        ({"noise_free": [True, False]}, "is a mask of 2 features, but X has 3"),
        ({"noise_free": ["age"]}, "names 'age', but X has"),
        ({"dropout": 1}, "'dropout' .* Got 1"),
        ({"dropout": (0.1, 1.0), "nodes": (5, 5)}, "dropout=.* must be 0 .off. or larger, and"),
        ({"max_norm": 0}, "'max_norm' .* Got 0"),
        ({"alpha": -1}, "'alpha' .* Got -1"),
        ({"alpha": "Auto"}, "'alpha' .* Got 'Auto'"),
        ({"alpha": None}, "'alpha' .* Got None"),
        ({"initializer": "zeros"}, "'initializer' .* Got 'zeros'"),
        (
            {"learning_rate": {"class_name": "Cosine", "config": {}}},
            "learning_rate=.* not a sched",
        ),
        ({"learning_rate": {"class_name": 1j}}, "learning_rate=.* must be a number, a schedule"),
        (
            {"learning_rate": Constant()},
            "learning_rate=.*Constant.* has no get_config that works, by",
        ),
        ({"learning_rate": Constant}, "learning_rate=.*Constant.* has no get_config that works"),
        ({"learning_rate": Unsaved()}, "learning_rate=.*Unsaved.* has no get_config that works"),
        (
            {"learning_rate": Unregistered()},
            "learning_rate=.*Unregistered.* Your own needs .*register_keras_serializable.* loky",
        ),
        ({"monitor": "val_f1"}, "'monitor' .* Got 'val_f1'"),
        ({"validation_fraction": 1.0}, "'validation_fraction' .* Got 1.0"),
        ({"patience": -1}, "'patience' .* Got -1"),
        ({"patience": 1.5}, "'patience' .* Got 1.5"),
        ({"min_delta": -1}, "'min_delta' .* Got -1"),
        ({"callbacks": "diary"}, "'callbacks' .* Got 'diary'"),
        # Found by tests/fuzz: beyond single precision, or beyond floats.
        ({"noise_input": 1e39}, r"noise_input=1e\+39 is too large; use 3.4e\+38 at most"),
        ({"noise_gradient": 10**400}, "noise_gradient=10+ is too large"),
        ({"noise_hidden": 10**400}, r"noise_hidden=10+ must be .* at most 3.4e\+38"),
        ({"noise_weights": (0.1, 1e39)}, "noise_weights=.* must be .* at most"),
        ({"dropout": 0.9999999999}, "dropout=0.9999999999 must be .* below 1 in single"),
        ({"learning_rate": 1e300}, r"learning_rate=1e\+300 is too large"),
        ({"alpha": 1e39}, r"alpha=1e\+39 is too large"),
        ({"max_norm": 1e39}, r"max_norm=1e\+39 is too large"),
        ({"min_delta": 1e39}, r"min_delta=1e\+39 is too large"),
        ({"class_weight": {0: 1e308, 1: 1}}, "class_weight=.* without a finite sum"),
        ({"class_weight": {0: "a", 1: 1}}, "class_weight=.* must have a number for each label"),
        ({"class_weight": {0: 10**400, 1: 1}}, "class_weight has a number that is too large"),
        (
            {"class_weight": {"0": 2}},
            r"class_weight=.* none of the classes, \[0 1\]. Voting.* enc",
        ),
    ],
    # Without addresses: test processes must agree on the names.
    ids=lambda value: str(value).partition(" at 0x")[0],
)
def test_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        NoisyMLPClassifier(**parameters).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "cubic"}, "'loss' .* Got 'cubic'"),
        ({"monitor": "val_accuracy"}, "'monitor' .* Got 'val_accuracy'"),
        ({"noise_target": -1}, "'noise_target' .* Got -1"),
        ({"loss": "poisson"}, "y has -.*; loss='poisson' needs targets of 0 or larger"),
    ],
    ids=str,
)
def test_parameters_of_the_regressor(parameters, message):
    with pytest.raises(ValueError, match=message):
        NoisyMLPRegressor(**parameters).fit(X, X[:, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.where(y, np.nan, 1.0)}, "y contains NaN"),
        ({"y": np.zeros((20, 2, 2))}, "Found array with dim 3"),
        ({"y": pd.Series(["1", None] * 10, dtype="string")}, "y has <NA> in place 1"),
        ({"y": X, "X_val": X, "y_val": X[:, :2]}, r"y_val has the shape \(20, 2\), but y has"),
        ({"y": y, "X_val": X, "y_val": X}, r"y_val has the shape \(20, 3\), but y has"),
    ],
    ids=str,
)
def test_data_of_the_regressor(arguments, message):
    with pytest.raises(ValueError, match=message):
        NoisyMLPRegressor().fit(**{"X": X} | arguments)


LABELS = (X > 0).astype(int)


def test_alpha_beside_tiny_weights():
    with pytest.raises(ValueError, match="alpha=1 is too large beside the sample weights, 1e-300"):
        NoisyMLPClassifier(alpha=1).fit(X, y, sample_weight=np.full(20, 1e-300))


def test_indicators_are_0_and_1():
    for two, one in ((2, 1), (1, -1), (2, 0)):
        odd = np.where(LABELS, two, one)
        with pytest.raises(ValueError, match=r"y has the values \[.*\] in several columns"):
            NoisyMLPClassifier().fit(X, odd)
        with pytest.raises(ValueError, match=r"y_val has the values"):
            NoisyMLPClassifier().fit(X, LABELS, X_val=X, y_val=odd)


def test_classes_of_several_labels_a_row():
    for classes in ([0, 1], [0]):
        with pytest.raises(ValueError, match=f"has {len(classes)} labels, but y 3 columns"):
            NoisyMLPClassifier().partial_fit(X, LABELS, classes=classes)


def test_several_labels_a_row():
    with pytest.raises(ValueError, match="class_weight='balanced' has no meaning"):
        NoisyMLPClassifier(class_weight="balanced").fit(X, LABELS)
    with pytest.raises(ValueError, match=r"y_val has the shape \(20,\); .* needs 3 columns"):
        NoisyMLPClassifier().fit(X, LABELS, X_val=X, y_val=y)


DATES = pd.date_range("2020-01-01", periods=20)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (DATES, TypeError, r"y has the dtype datetime64\[.s\], of which .* Give numbers, such"),
        (pd.Series(DATES - DATES[0]), TypeError, r"y has the dtype timedelta64\[.s\]"),
        (np.stack([DATES, DATES], axis=1), TypeError, r"y has the dtype datetime64\[.s\]"),
        (DATES.tz_localize("UTC"), TypeError, r"y has the dtype datetime64\[.s, UTC\], of which"),
        (
            pl.DataFrame({"a": list(DATES), "b": y}),
            TypeError,
            "y has the dtype Datetime.*, of which",
        ),
        (list(DATES), ValueError, "y has the dtype object, .* Timestamp.* dates as numbers"),
    ],
    ids=["dates", "times", "two columns", "of a zone", "of a frame", "objects"],
)
def test_dates_are_no_numbers(y, error, message):
    with pytest.raises(error, match=message):
        NoisyMLPRegressor().fit(X, y)
    with pytest.raises((TypeError, ValueError), match="y_val has the dtype"):
        NoisyMLPRegressor().fit(X, X[:, 0], X_val=X, y_val=y)


def test_dates_are_no_weights():
    with pytest.raises(TypeError, match=r"sample_weight has the dtype datetime64"):
        NoisyMLPClassifier().fit(X, y, sample_weight=DATES)


def test_early_stopping_needs_rows_and_epochs():
    clf = NoisyMLPClassifier(early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping=True needs rows to validate on"):
        clf.fit(X[:2], y[:2])
    for estimator in (clf, NoisyMLPRegressor(early_stopping=True)):
        with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
            estimator.partial_fit(X, y)
        # As scikit-learn gives reasons.
        assert "set early_stopping=False, or call fit" in str(error.value.__cause__)


@pytest.mark.parametrize(
    "options",
    [
        {"noise_weights": 0.1},
        {"noise_gradient": 0.1},
        {"noise_target": 0.1},
        {"noise_schedule": "linear"},
    ],
    ids=str,
)
def test_what_keras_has_not_got(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"Keras's own loop cannot train this: .* {name}"):
        NoisyMLPClassifier(engine="keras", **options).fit(X, y)


def replaced(value):
    out = X.copy()
    out[3, 1] = value
    return out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": replaced(np.nan)}, "X contains NaN"),
        ({"X": replaced(np.inf)}, "X contains infinity"),
        ({"X": replaced(1e300)}, "X contains infinity or a value too large"),
        ({"X": X[:, 0]}, "Expected 2D array"),
        ({"X": X[:0], "y": y[:0]}, "0 sample"),
        ({"X": X[:, :0]}, "0 feature"),
        ({"X": X[:10]}, "inconsistent numbers of samples"),
        ({"X": X + 1j}, "Complex data not supported"),
        ({"y": X[:, 0]}, "Unknown label type: continuous"),
        ({"y": X}, "should be a 1d array"),
        ({"y": np.where(y, np.nan, 1.0)}, "y contains NaN"),
        ({"sample_weight": -np.ones(20)}, "Negative values in sample_weight: -1.0"),
        ({"sample_weight": np.zeros(20)}, "All weights in sample_weight are zero"),
        ({"sample_weight": np.full(20, np.nan)}, "sample_weight contains NaN"),
        ({"sample_weight": np.ones(19)}, r"sample_weight.shape == \(19,\), expected \(20,\)"),
        ({"X_val": X}, "X_val is given without y_val"),
        ({"y_val": y}, "y_val is given without X_val"),
        ({"sample_weight_val": np.ones(20)}, "sample_weight_val is given without X_val"),
        ({"X_val": X[:, :2], "y_val": y}, "X_val has 2 features, but X has 3"),
        ({"X_val": replaced(np.nan), "y_val": y}, "X_val contains NaN"),
        ({"X_val": X, "y_val": y[:5]}, "y_val has 5 rows, but X_val has 20"),
        ({"X_val": X, "y_val": y + 1}, r"y_val has the labels \[2\]"),
        ({"X_val": X, "y_val": y, "sample_weight_val": -np.ones(20)}, "sample_weight_val: -1"),
        # Found by tests/fuzz.
        ({"X_val": X, "y_val": np.eye(2)[y]}, r"y_val has the shape \(20, 2\); .* one column"),
        ({"y": y + 9, "X_val": X[:2], "y_val": ["9", "10"]}, "y_val has .* not in classes"),
        ({"y": (y + 9).astype(str), "X_val": X[:2], "y_val": [9, 10]}, "y_val has .* not in cl"),
        ({"y": np.where(y, "a", None)}, "y has None in place 0: leave out"),
        ({"y": [[0], [0, 1]] * 10}, "y has rows of different lengths"),
        ({"y": pd.Series(np.where(y, "a", None), dtype="string")}, "y has <NA> in place 0"),
        ({"y": np.array(["a", np.nan] * 10, object)}, "y has nan in place 1"),
        ({"X_val": X, "y_val": np.where(y, "a", None)}, "y_val has None in place 0"),
        ({"y": y.astype(object)}, r"y has the dtype object, .* type int.* y.astype\(int\)"),
        ({"y": np.eye(2)[y].astype(object)}, "y has the dtype object, .* type float"),
        ({"y": pd.Series(y > 0, dtype=object)}, "y has the dtype object, .* type bool"),
        ({"y": np.array(["a", 1] * 10, dtype=object)}, "y has the dtype object, .* int and str"),
        ({"X_val": X, "y_val": y.astype(object)}, r"y_val has the dtype object.* y_val.astype"),
        ({"sample_weight": np.full(20, 1.7e308)}, "The sum of sample_weight is inf"),
        ({"X": [[10**400]] * 20}, "X or y has a number that is too large for a float"),
        ({"X_val": [[10**400] * 3] * 20, "y_val": y}, "X_val has a number that is too large"),
        ({"sample_weight": [10**400] * 20}, "sample_weight has a number that is too large"),
    ],
    ids=str,
)
def test_data(arguments, message):
    with pytest.raises(ValueError, match=message):
        NoisyMLPClassifier().fit(**{"X": X, "y": y} | arguments)


def test_classes_that_cannot_be_compared():
    with pytest.raises(ValueError, match="classes has None in place 1"):
        NoisyMLPClassifier().partial_fit(X, np.where(y, "a", "b"), classes=["a", None, "b"])
    with pytest.raises(ValueError, match="classes has masked in place 1"):
        NoisyMLPClassifier().partial_fit(X, y, classes=np.ma.masked_equal([0, 1], 1))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array])
def test_sparse_data(kind):
    with pytest.raises(TypeError, match="dense data is required"):
        NoisyMLPClassifier().fit(kind(X), y)


LAZY = pl.DataFrame({"a": y}).lazy()


@pytest.mark.parametrize("estimator", [NoisyMLPClassifier(), NoisyMLPRegressor()])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_lazy_data(estimator, method):
    data = {"X": X, "y": y, "sample_weight": y}
    if method == "fit":
        data |= {"X_val": X, "y_val": y, "sample_weight_val": y}
    elif isinstance(estimator, NoisyMLPClassifier):
        data |= {"classes": [0, 1]}
    for name in data:
        with pytest.raises(TypeError, match=rf"^{name} is a LazyFrame of polars, .* collect\(\)"):
            getattr(estimator, method)(**data | {name: LAZY})


@pytest.mark.trains
def test_other_data_at_prediction():
    clf = NoisyMLPClassifier(5, epochs=2).fit(X, y)
    with pytest.raises(
        ValueError, match="X has 2 features, but NoisyMLPClassifier is expecting 3"
    ):
        clf.predict(X[:, :2])
    with pytest.raises(ValueError, match="X contains NaN"):
        clf.predict_proba(replaced(np.nan))
    with pytest.raises(TypeError, match="dense data is required"):
        clf.predict(sparse.csr_array(X))
    for method in (clf.predict, clf.predict_proba, clf.predict_log_proba):
        with pytest.raises(TypeError, match="X is a LazyFrame of polars"):
            method(LAZY)


@pytest.mark.filterwarnings("ignore:Training suffers")
@pytest.mark.trains
def test_predictions_that_are_not_finite():
    reg = NoisyMLPRegressor(5, loss="poisson", epochs=2, random_state=0).fit(X, y)
    clf = NoisyMLPClassifier(5, activation="exponential", epochs=2, random_state=0).fit(X, y)
    rows = np.vstack([X[:2], 1e6 * X])
    for method in (reg.predict, clf.predict_proba, clf.predict_log_proba):
        with pytest.raises(ValueError, match=r"prediction for row \d+ of X is not finite"):
            method(rows)
        assert np.isfinite(method(rows[:2])).all()
    with pytest.raises(ValueError, match="X has a number that is too large for a float"):
        clf.predict([[10**400] * 3])


@pytest.mark.trains
@pytest.mark.parametrize("engine", ["compiled", "keras"])
def test_divergence_is_told_with_what_to_change(engine):
    clf = NoisyMLPClassifier(
        5, epochs=50, optimizer="sgd", learning_rate=1e30, engine=engine, random_state=0
    )
    with pytest.raises(ValueError, match=r"diverged: the loss was (nan|inf) in epoch .* Scale"):
        clf.fit(X * 1e10, y)


@pytest.mark.trains
def test_weights_may_diverge_where_no_loss_does():
    # The loss of the only epoch is that of the first weights.
    clf = NoisyMLPClassifier(5, epochs=1, batch_size=None, optimizer="sgd", learning_rate=3e38)
    with pytest.raises(ValueError, match="diverged: the last step left weights that are not fin"):
        clf.fit(X * 1e3, y)


@pytest.mark.trains
def test_divergence_in_a_search_is_its_error_score():
    clf = NoisyMLPClassifier(5, epochs=50, optimizer="sgd", random_state=0)
    search = GridSearchCV(clf, {"learning_rate": [1e-3, 1e30]}, cv=2, error_score=-7.0)
    with pytest.warns(FitFailedWarning, match="Training diverged"):
        search.fit(X, y)
    good, bad = search.cv_results_["mean_test_score"]
    assert bad == -7.0
    assert 0 <= good <= 1


@pytest.mark.filterwarnings("ignore:Training suffers")
@pytest.mark.trains
def test_a_failed_fit_leaves_the_fitted_model_alone():
    clf = NoisyMLPClassifier(5, epochs=2, warm_start=True, random_state=0).fit(X, y)
    p = clf.predict_proba(X)
    with pytest.raises(ValueError, match="'epochs'"):
        clf.set_params(epochs=0).fit(X, y)
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(epochs=50, optimizer="sgd", learning_rate=1e30).fit(X * 1e10, y)
    np.testing.assert_array_equal(clf.predict_proba(X), p)
    assert clf.n_iter_ == 2


@pytest.mark.trains
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "arguments",
    [{"X": X[:, :2], "y": y[:5]}, {"y": LABELS, "sample_weight": -np.ones(20)}, {"y": y + 0.5}],
    ids=["features", "labels", "kind of target"],
)
def test_failed_data_leave_the_fitted_model_alone(method, arguments):
    clf = NoisyMLPClassifier(5, epochs=2, random_state=0).fit(X, y)
    before = dict(vars(clf))
    with pytest.raises(ValueError):
        getattr(clf, method)(**{"X": X, "y": y} | arguments)
    after = vars(clf)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


def test_failed_data_leave_nothing_behind():
    clf = NoisyMLPClassifier()
    with pytest.raises(ValueError, match="sample_weight"):
        clf.fit(X, y, sample_weight=-np.ones(20))
    assert not hasattr(clf, "classes_")
    assert not hasattr(clf, "n_features_in_")


def test_a_backend_of_keras_without_programs(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    message = "Keras's backend is 'torch', and programs are compiled on .*engine='keras', or"
    with pytest.raises(ValueError, match=message):
        NoisyMLPClassifier(engine="compiled").fit(X, y)


@pytest.mark.trains
@pytest.mark.tensorflow
def test_tensorflow_without_eager_execution():
    import tensorflow as tf

    clf = NoisyMLPClassifier(5, epochs=2, random_state=0).fit(X, y)
    for engine in ("compiled", "keras"):
        with tf.Graph().as_default(), pytest.raises(RuntimeError, match=r"outside of tf.Graph"):
            NoisyMLPClassifier(5, epochs=2, engine=engine).fit(X, y)
    with tf.Graph().as_default():
        p = clf.predict_proba(X)
        with pytest.raises(RuntimeError, match="needs TensorFlow's eager execution, which is off"):
            _ = clf.model_
    np.testing.assert_array_equal(clf.predict_proba(X), p)
    assert clf.model_.input_shape == (None, 3)
