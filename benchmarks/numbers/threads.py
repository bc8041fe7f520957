"""Compare models trained with 1, 2 and 4 threads, by: python -m benchmarks.numbers.threads.

TensorFlow takes the number once in a process, so each has one of its own. Prints the largest
difference of a weight from the model of one thread, 0 where all bits are the same, and the seconds
of the fits, compilation included. Takes some two minutes.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_digits, make_classification

from sknoise import NoisyMLPClassifier

N_THREADS = (1, 2, 4)
FIXED: dict[str, Any] = {"noise_input": 0.1, "noise_hidden": 0.1, "alpha": 0}


def fit(n_rows: int, n_features: int, n_fits: int = 1, **options: Any) -> list[np.ndarray]:
    """Train networks, several as a stack; give all their weights."""
    if n_rows == 0:
        X, y = load_digits(return_X_y=True)
        X = X / 16
    else:
        X, y = make_classification(n_rows, n_features, n_informative=10, random_state=0)
    fits = [NoisyMLPClassifier(random_state=i, **FIXED, **options) for i in range(n_fits)]
    if n_fits == 1:
        fits[0].fit(X, y)
    else:
        with joblib.parallel_config(backend="sknoise"):
            fits = joblib.Parallel()(joblib.delayed(clf.fit)(X, y) for clf in fits)
    return [w for clf in fits for w in (*clf.coefs_, *clf.intercepts_)]


def cases() -> Iterator[tuple[str, Callable[[], list[np.ndarray]]]]:
    """Yield names and fits: of the sizes that this is for, then steps of more and more rows."""
    few: dict[str, Any] = {"epochs": 3}
    yield "30 rows x 20, 400", lambda: fit(30, 20, batch_size=4, epochs=1000)
    yield "digits, 400", lambda: fit(0, 0, batch_size=128, epochs=20)
    small: dict[str, Any] = {"nodes": 100, "batch_size": 128, "epochs": 5}
    yield "digits, stack of 24, 100", lambda: fit(0, 0, 24, **small)
    wide: dict[str, Any] = {"nodes": 256, "batch_size": 256}
    yield "50,000 x 50, 256", lambda: fit(50_000, 50, **wide, **few)
    yield "5,000 x 50, stack of 24, 256", lambda: fit(5_000, 50, 24, **wide, **few)
    for inputs in (120, 128, 140, 200):
        yield (
            f"512 x {inputs}, 300, batch 256",
            partial(fit, 512, inputs, nodes=300, batch_size=256, **few),
        )
    deep: dict[str, Any] = {"nodes": (1000, 1000), "batch_size": 512}
    yield "10,000 x 784, 1000-1000, batch 512", lambda: fit(10_000, 784, **deep, **few)
    for rows in (512, 1024, 2048, 4096, 8192, 32_768):
        for n_fits, nodes in ((1, 20), (1, 400), (8, 400)):
            name = f"one batch of {rows}, {n_fits} x {nodes}"
            options = {"nodes": nodes, "batch_size": None, "epochs": 10}
            yield name, partial(fit, rows, 20, n_fits, **options)


def child(n_threads: int) -> None:
    """Set the threads, and write the weights of all cases to stdout."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(n_threads)
    tf.config.threading.set_inter_op_parallelism_threads(n_threads)
    results = {}
    for name, train in cases():
        start = time.perf_counter()
        weights = train()
        results[name] = weights, time.perf_counter() - start
    pickle.dump(results, sys.stdout.buffer)


def main() -> None:
    """Print a line for each case."""
    if len(sys.argv) > 1:
        return child(int(sys.argv[1]))
    results = []
    for n_threads in N_THREADS:
        command = [sys.executable, __file__, str(n_threads)]
        run = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        results.append(pickle.loads(run.stdout))
    print(f"{'threads':36s} {'2':>8s} {'4':>8s}   seconds with {N_THREADS}")
    for name, (weights, _) in results[0].items():
        apart = [
            max(np.abs(a - b).max() for a, b in zip(weights, other[name][0], strict=True))
            for other in results[1:]
        ]
        seconds = ", ".join(f"{of[name][1]:.1f}" for of in results)
        print(f"{name:36s} {apart[0]:8.1e} {apart[1]:8.1e}   {seconds}")


if __name__ == "__main__":
    main()
