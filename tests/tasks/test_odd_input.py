"""Odd input that is no fault trains all the same; found by tests/fuzz."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

X = np.random.default_rng(0).normal(size=(20, 3))
y = np.arange(20) % 2


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("scale", [2.0**-1060, 2.0**-300, 2.0**1010])
def test_tiny_and_huge_weights_are_as_good_as_others(class_weight, scale):
    # No whole numbers, which would be repetitions.
    weight = np.arange(1.0, 21) / 32
    clf = NoisyMLPClassifier(5, epochs=2, class_weight=class_weight, random_state=0)
    expected = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    p = clf.fit(X, y, sample_weight=weight * scale).predict_proba(X)
    np.testing.assert_allclose(p, expected, rtol=1e-5)


def test_rows_that_vanish_beside_others_are_left_out():
    # Whichever rows are held out, some weight is left on both sides.
    weight = np.where(np.arange(20) < 10, 1.0, 1e-300)
    clf = NoisyMLPClassifier(5, epochs=2, early_stopping=True, random_state=0)
    expected = clf.fit(X[:10], y[:10]).predict_proba(X)
    p = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    np.testing.assert_array_equal(p, expected)


def test_patience_and_batches_larger_than_32_bits():
    clf = NoisyMLPClassifier(5, epochs=4, early_stopping=True, min_delta=1e30, random_state=0)
    clf.set_params(patience=10**12, batch_size=10**30).fit(X, y)
    assert clf.n_iter_ == 4


def test_a_validation_loss_that_is_not_finite_is_told():
    reg = NoisyMLPRegressor(5, epochs=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="val_loss was inf in epoch 1, though loss was"):
        reg.fit(X, y, X_val=X, y_val=np.full(20, 1e30))
    assert np.isfinite(reg.predict(X)).all()
