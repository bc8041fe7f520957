"""Print hashes of what a dozen fits leave, by: python -m benchmarks.numbers.bits.

Run on the same machine before and after a change that is to change no bit of a model, in both
checkouts: the lines are the same, or name what is not. Takes a minute.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import make_blobs, make_circles
from sklearn.model_selection import GridSearchCV

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor, noise_curve

NOISES: dict[str, dict[str, Any]] = {
    "gaussian": {"noise_activation": 0.2, "noise_weights": 0.1, "noise_gradient": 0.01},
    "laplace, relative": {
        "noise_distribution": "laplace",
        "noise_relative": True,
        "noise_free": [1],
        "dropout": 0.2,
    },
    "uniform, multiplicative": {
        "noise_distribution": "uniform",
        "noise_kind": "multiplicative",
        "noise_schedule": "cosine",
    },
    "labels": {"noise_target": 0.2},
}


def digest(*arrays: Any) -> str:
    """Hash arrays: their bits, shapes and dtypes."""
    content = hashlib.sha256()
    for a in map(np.ascontiguousarray, arrays):
        content.update(repr((a.shape, a.dtype)).encode() + a.tobytes())
    return content.hexdigest()


def of(fitted: Any, X: np.ndarray) -> str:
    """Hash weights, history and predictions of an estimator."""
    history = [a for _, a in sorted(fitted.history_.items())]
    predicted = getattr(fitted, "predict_proba", fitted.predict)(X)
    return digest(*fitted.coefs_, *fitted.intercepts_, *history, predicted)


def cases() -> Iterator[tuple[str, str]]:
    """Yield names and hashes."""
    X, y = make_circles(100, noise=0.1, factor=0.5, random_state=1)
    X3, y3 = make_blobs(90, n_features=5, centers=3, cluster_std=4.0, random_state=0)
    rng = np.random.default_rng(0)
    targets = X3[:, :2] + rng.normal(size=(90, 2))
    weight = rng.uniform(size=90)
    # Nothing is left to the data: what "auto" means may change, these lines not.
    small: dict[str, Any] = {
        "nodes": 20,
        "noise_input": 0.1,
        "noise_hidden": 0.1,
        "alpha": 0,
        "epochs": 40,
        "batch_size": 4,
        "random_state": 0,
    }
    larger_steps = small | {"batch_size": 8}
    clf = NoisyMLPClassifier(**larger_steps)
    yield "two classes", of(clf.fit(X, y), X)
    deep = small | {"nodes": (20, 10), "epochs": 300, "batch_size": None}
    clf = NoisyMLPClassifier(**deep)
    yield "three classes, deep, full batch", of(clf.fit(X3, y3, weight), X3)
    labels = (targets > 0).astype(int)
    yield "several labels", of(NoisyMLPClassifier(**small).fit(X3, labels), X3)
    for name, noise in NOISES.items():
        clf = NoisyMLPClassifier(**small, **noise)
        yield f"noise, {name}", of(clf.fit(X3, y3, X_val=X3[:20], y_val=y3[:20]), X3)
    options: dict[str, Any] = {
        "early_stopping": True,
        "alpha": 0.1,
        "max_norm": 2.0,
        "patience": 3,
    }
    clf = NoisyMLPClassifier(**small | {"epochs": 500, "learning_rate": 0.01} | options)
    yield "early stopping, penalty, bound", of(clf.fit(X3, y3), X3)
    for loss in ("squared_error", "huber", "poisson"):
        reg = NoisyMLPRegressor(**small | {"batch_size": 32}, loss=loss)
        yield f"regressor, {loss}", of(reg.fit(X3, np.abs(targets)), X3)
    reg = NoisyMLPRegressor(**small, optimizer="rmsprop", shuffle=False, warm_start=True)
    yield "warm start, rows in order", of(reg.fit(X3, targets).fit(X3, targets), X3)
    clf = NoisyMLPClassifier(**larger_steps, engine="keras")
    yield "Keras's loop", of(clf.fit(X, y), X)
    grid = {"nodes": [10, 20], "noise_hidden": [0, 0.1, 1], "learning_rate": [0.001, 0.01]}
    with joblib.parallel_config(backend="sknoise"):
        clf = NoisyMLPClassifier(**small)
        search = GridSearchCV(clf, grid, scoring="neg_log_loss", refit=False).fit(X, y)
        scores = search.cv_results_["mean_test_score"]
        best = NoisyMLPClassifier(**larger_steps | search.best_params_).fit(X, y)
        yield "search in stacks", digest(scores, *best.coefs_)
    clf = NoisyMLPClassifier(**small)
    curve = noise_curve(clf, X, y, noise_levels=[0, 0.1, 1], lengths=None, random_state=0)
    yield "noise curve", digest(*curve.scores.values())


def main() -> None:
    """Print a line for each case."""
    warnings.simplefilter("ignore")
    for name, found in cases():
        print(f"{name:32} {found}", flush=True)


if __name__ == "__main__":
    main()
