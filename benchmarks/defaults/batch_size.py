"""What `epochs` and `batch_size` should default to: test scores over data sets and budgets.

Prints, for each data set and batch size, accuracy and log-loss on held-out rows after more and
more epochs, and the seconds of the fit, of 400 nodes with both noises at 0.1 and no penalty. Run:
python -m benchmarks.defaults.batch_size
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    make_circles,
    make_classification,
    make_moons,
)
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier

N_SPLITS = 4
EPOCHS = (50, 100, 200, 400, 800)
BATCH_SIZES = ("auto", 4, 8, 16, 32, 64, 128, 256, None)
FIXED: dict[str, Any] = {"nodes": 400, "noise_input": 0.1, "noise_hidden": 0.1, "alpha": 0}


def data_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray, int]]:
    """Yield name, X, y and the number of training rows."""
    yield "circles 30", *make_circles(1000, noise=0.1, random_state=1), 30
    yield "moons 200", *make_moons(2000, noise=0.25, random_state=1), 200
    yield "breast_cancer 400", *load_breast_cancer(return_X_y=True), 400
    yield "digits 1200", *load_digits(return_X_y=True), 1200
    many = make_classification(
        12_000, 20, n_informative=8, n_classes=3, flip_y=0.05, random_state=1
    )
    yield "classification 10000", *many, 10_000


def main() -> None:
    """Print the table."""
    print(f"{'data':22s} {'batch':>5s} {'epochs':>6s} {'accuracy':>8s} {'log-loss':>8s} {'s':>6s}")
    for name, X, y, n_train in data_sets():
        for batch_size in BATCH_SIZES:
            figures = np.zeros((len(EPOCHS), 3))
            for seed in range(N_SPLITS):
                parts = train_test_split(X, y, train_size=n_train, stratify=y, random_state=seed)
                scaler = StandardScaler().fit(parts[0])
                X_train, X_test = (scaler.transform(part) for part in parts[:2])
                options = FIXED | {"batch_size": batch_size, "random_state": seed}
                clf = NoisyMLPClassifier(**options, warm_start=True)
                seconds, before = 0.0, 0
                for i, epochs in enumerate(EPOCHS):
                    if n_train * epochs > 4_100_000:
                        figures[i] = np.nan
                        continue
                    start = time.perf_counter()
                    clf.set_params(epochs=epochs - before).fit(X_train, parts[2])
                    seconds, before = seconds + time.perf_counter() - start, epochs
                    loss = log_loss(parts[3], clf.predict_proba(X_test))
                    accuracy = clf.score(X_test, parts[3])
                    figures[i] += np.array([accuracy, loss, seconds]) / N_SPLITS
            for epochs, (accuracy, loss, s) in zip(EPOCHS, figures, strict=True):
                print(
                    f"{name:22s} {batch_size!s:>5s} {epochs:6d} {accuracy:8.3f} {loss:8.3f} "
                    f"{s:6.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
