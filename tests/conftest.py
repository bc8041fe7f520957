"""Data and helpers that several test files share."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_circles
from sklearn.model_selection import train_test_split

from tests.deprecations import watch_tensorflow

watch_tensorflow()


@pytest.fixture
def circles():
    """The article's data and split: 30 rows to train on, 70 to test on."""
    X, y = make_circles(n_samples=100, noise=0.1, random_state=1)
    return train_test_split(X, y, test_size=0.7, random_state=42)


@pytest.fixture
def blobs():
    """Three classes of 40 rows in all, overlapping."""
    X, y = make_blobs(n_samples=40, centers=3, cluster_std=3.0, random_state=0)
    return X, y


@pytest.fixture
def rng():
    return np.random.default_rng(0)
