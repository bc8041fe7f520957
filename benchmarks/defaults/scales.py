"""Where the scale of the features begins to hurt, by: python -m benchmarks.defaults.scales.

Standardised data is scaled, shifted, or gets a feature more, by powers of ten. Printed is the test
log-loss over that of the standardised data, for 100 nodes, 200 epochs and four splits, with both
noises at 0.1 and without noise. The thresholds of sknoise's warning rest on it. Takes two minutes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier

N_SPLITS = 4
SMALL = (1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3)
LARGE = (3, 10, 30, 100, 200, 1e3, 1e4, 1e6)
FIXED: dict[str, Any] = {"nodes": 100, "alpha": 0, "epochs": 200}


def data_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray, int, int]]:
    """Yield name, X, y, and the number of training rows and of rows in a step."""
    yield "moons", *make_moons(600, noise=0.25, random_state=1), 200, 16
    yield "wine", *load_wine(return_X_y=True), 100, 8
    yield "breast_cancer", *load_breast_cancer(return_X_y=True), 300, 16


def variants(X: np.ndarray, rng: np.random.Generator) -> dict[tuple[str, float], np.ndarray]:
    """Give the data, and what is made of it, by kind and power of ten."""
    found = {("standardised", 1.0): X}
    half = np.arange(X.shape[1]) < max(1, X.shape[1] // 2)
    first = np.arange(X.shape[1]) == 0
    junk = rng.normal(size=(len(X), 1))
    for s in (*SMALL, *LARGE):
        found["all features times", s] = X * s
    for s in SMALL:
        found["half of them times", s] = np.where(half, X * s, X)
    for s in LARGE:
        found["noise of this scale more", s] = np.hstack([X, junk * s])
        found["this constant more", s] = np.hstack([X, np.full_like(junk, s)])
        found["one feature plus", s] = np.where(first, X + s, X)
        found["all features plus", s] = X + s
    return found


def test_loss(
    options: dict[str, Any], noise: float, X: np.ndarray, y: np.ndarray, n_train: int
) -> float:
    """Train on the first rows; give the log-loss on the others."""
    clf = NoisyMLPClassifier(**FIXED, **options, noise_input=noise, noise_hidden=noise)
    clf.fit(X[:n_train], y[:n_train])
    return log_loss(y[n_train:], clf.predict_proba(X[n_train:]))


def main() -> None:
    """Print a table for each data set and level of noise."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name, X, y, n_train, batch_size in data_sets():
        for noise in (0.1, 0.0):
            places, jobs = [], []
            for seed in range(N_SPLITS):
                parts = train_test_split(X, y, train_size=n_train, stratify=y, random_state=seed)
                scaled = StandardScaler().fit(parts[0]).transform(np.concatenate(parts[:2]))
                labels = np.concatenate(parts[2:])
                options = {"batch_size": batch_size, "random_state": seed}
                for place, Z in variants(scaled, np.random.default_rng(seed)).items():
                    places.append(place)
                    jobs.append(joblib.delayed(test_loss)(options, noise, Z, labels, n_train))
            with joblib.parallel_config(backend="sknoise"):
                losses = joblib.Parallel()(jobs)
            means = {
                place: np.mean([a for a, p in zip(losses, places, strict=True) if p == place])
                for place in places
            }
            base = means.pop(("standardised", 1.0))
            print(f"\n{name}, noise {noise:g}: log-loss {base:.3f}, times")
            for kind in dict.fromkeys(kind for kind, _ in means):
                at = [f"{s:g}: {m / base:.1f}" for (k, s), m in means.items() if k == kind]
                print(f"  {kind:25s} {'  '.join(at)}", flush=True)


if __name__ == "__main__":
    main()
