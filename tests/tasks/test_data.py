"""Data that is odd: features far from scale 1, of which fits warn; targets of no use."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.tasks import named_targets, warn_of_scales

CLF = NoisyMLPClassifier(5, epochs=3, random_state=0)


def with_column(values):
    """Give 400 rows of three features, the second as given."""
    X = np.random.default_rng(0).normal(size=(400, 3))
    X[:, 1] = values
    return X.astype(np.float32)


# Mean 0, standard deviation 1.
Z = np.repeat([-1, 1], 200)
FAR = {
    "large": (300 * Z, r": 1 \(mean 0, standard deviation 300\)\. "),
    "small": (0.001 * Z, r": 1 \(mean .*, standard deviation 0\.001\)\. "),
    "far from 0": (2000 + Z, r": 1 \(mean 2000, standard deviation 1\)\. "),
    "hardly varies": (1 + 0.001 * Z, r": 1 \(mean 1, standard deviation 0\.001\)\. "),
    "a large constant": (1e6, r": 1 \(mean 1e\+06, standard deviation 0\)\. "),
    "the largest": (3e38, r": 1 \(mean 3e\+38, standard deviation 0\)\. "),
}


@pytest.mark.parametrize(("values", "message"), FAR.values(), ids=FAR)
def test_a_feature_far_from_scale_1_is_named(values, message):
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        warn_of_scales(with_column(values), None)
    assert len(caught) == 1
    assert "make_pipeline(StandardScaler(), ...)" in str(caught[0].message)


NEAR = {
    "standardised": Z,
    "of scale 50": 50 * Z,
    "of scale 1/50": Z / 50,
    # As in scikit-learn's checks of estimators.
    "around 100": 100 + Z,
    "zeros": 0,
    "ones": 1,
    # Whose mean no float is.
    "tenths": 0.1,
    "a small constant": 1e-6,
    "rarely 1": np.arange(400) == 7,
    "rarely 1/100": (np.arange(400) == 7) / 100,
}


@pytest.mark.parametrize("values", NEAR.values(), ids=NEAR)
def test_ordinary_features_are_not_warned_of(values):
    with warnings.catch_warnings(action="error"):
        warn_of_scales(with_column(values), None)
        warn_of_scales(with_column(values)[:1], None)
        # More rows than are looked at.
        warn_of_scales(np.tile(with_column(values), (200, 1)), None)


@pytest.mark.parametrize("load", [load_iris, load_digits, load_diabetes])
def test_ordinary_data_is_not_warned_of(load):
    X = load(return_X_y=True)[0].astype(np.float32)
    with warnings.catch_warnings(action="error"):
        warn_of_scales(X, None)
        # Pixels from 0 to 1, some of them black but for a grey one here and there.
        warn_of_scales(X / X.max(), None)


def test_a_few_are_named_as_the_data_frame_does():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    first = r": 'mean area' \(mean 700, .*, 'smoothness error' \(.*\) and \d more\. Scale"
    with pytest.warns(ConvergenceWarning, match=first):
        CLF.fit(X, y)


def test_a_fit_warns_once_and_going_on_does_not(blobs):
    X, y = blobs
    clf = NoisyMLPClassifier(5, epochs=3, warm_start=True, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Training suffers") as caught:
        clf.fit(X * 1e4, y)
    assert len(caught) == 1
    with warnings.catch_warnings(action="error"):
        clf.fit(X * 1e4, y).partial_fit(X * 1e4, y)


def test_scaled_in_a_pipeline_nothing_warns(blobs):
    X, y = blobs
    pipeline = make_pipeline(StandardScaler(), CLF)
    with warnings.catch_warnings(action="error"):
        search = GridSearchCV(pipeline, {"noisymlpclassifier__noise_input": [0, 1]}, cv=2)
        search.fit(pd.DataFrame(X * 1e4).add_prefix("x"), y)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_models_of_extreme_scales_and_constants_are_finite(blobs, scale):
    X, y = blobs
    constants = np.ones((len(X), 4)) * [0, 1, 1e-6, 1e6]
    X = np.hstack([X * scale, constants])
    with pytest.warns(ConvergenceWarning, match="Training suffers"):
        p = CLF.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    reg = NoisyMLPRegressor(5, epochs=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Training suffers"):
        assert np.isfinite(reg.fit(X, y).predict(X)).all()


def test_a_dtype_that_numpy_refuses_is_named():
    # Which of them NumPy and scikit-learn refuse depends on their versions.
    records = np.rec.fromarrays([np.arange(3)])
    named = pytest.raises(TypeError, match=r"y has the dtype .*; give numbers, bools, or strings")
    with named, named_targets("y", records):
        raise TypeError("dtype argument must be a NumPy dtype")


@pytest.mark.parametrize(
    ("func", "inverse"), [(np.log, np.exp), (np.exp, np.log), (np.sqrt, np.square)]
)
def test_targets_to_validate_on_in_other_units_are_warned_of(func, inverse):
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = 5 + X[:, 0]
    y = np.exp(y) if func is np.log else y**3 if func is np.sqrt else y
    reg = NoisyMLPRegressor(5, epochs=2, random_state=0)
    through = TransformedTargetRegressor(reg, func=func, inverse_func=inverse, check_inverse=False)
    says = (
        r"The mean is .* in y_val and .* in y, .*: y_val seems to be in other units. Transformed"
    )
    with pytest.warns(UserWarning, match=says):
        through.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        through.fit(X[:40], y[:40], X_val=X[40:], y_val=func(y[40:]))
        reg.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
        # A row or two spread little, and constants not at all.
        reg.fit(X[:40], y[:40], X_val=X[40:41], y_val=y[40:41])
        reg.fit(X[:40], np.ones(40), X_val=X[40:], y_val=np.full(20, 2.0))


def test_the_output_in_other_units_is_named():
    X = np.random.default_rng(0).normal(size=(40, 2))
    reg = NoisyMLPRegressor(5, epochs=1, random_state=0)
    with pytest.warns(UserWarning, match=r"The mean of output 1 is .* in y_val") as caught:
        reg.fit(X, X, X_val=X, y_val=X * [1, 99])
    assert "sknoise" not in caught[0].filename
