"""How far float32 drifts from float64 in 500 epochs, by: python -m benchmarks.numbers.drift.

The compiled program, in float32, and the NumPy trainer of the tests, in float64, begin with the
same weights and draw the same noise. Printed are the largest differences of a weight, of a
predicted probability of the test rows, and of their log-loss, after more and more epochs. Beside
them stands how far the NumPy trainer drifts from itself if each initial weight is moved by one
unit in the last place of a float32: what even exact arithmetic would make of such weights. Last
comes the standard deviation of the log-loss over seeds. Takes some five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import expit, softmax
from sklearn.datasets import load_breast_cancer, load_digits, make_circles, make_moons
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknoise.noise._sites import Site
from sknoise.training._initial import initial_state
from sknoise.training._rows import distinct_rows, grouped
from sknoise.training._stack import train_stack
from sknoise.training._types import Model, Network, Noise, Optimizer, Task
from tests.oracles import trainer

EPOCHS = (1, 10, 100, 500)
RATES = {"adam": 0.001, "sgd": 0.1}
N_SEEDS = 10


def data_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray, int, int, int]]:
    """Yield name, X, y, and the number of training rows, of rows in a step, and of nodes."""
    yield "circles 30", *make_circles(1000, noise=0.1, random_state=1), 30, 4, 400
    yield "moons 200", *make_moons(1000, noise=0.25, random_state=1), 200, 16, 100
    yield "breast_cancer 400", *load_breast_cancer(return_X_y=True), 400, 32, 100
    yield "digits 300", *load_digits(return_X_y=True), 300, 16, 100


def make_task(
    X: np.ndarray,
    y: np.ndarray,
    batch_size: int,
    nodes: int,
    optimizer: str,
    level: float,
    key: int,
) -> Task:
    """Describe a training run of 500 epochs."""
    n_classes = y.max() + 1
    loss = "binary_crossentropy" if n_classes == 2 else "categorical_crossentropy"
    network = Network((X.shape[1], nodes, 1 if n_classes == 2 else int(n_classes)), "relu", loss)
    noise = Noise({Site("input"): level, Site("hidden", 1): level} if level else {})
    rows = distinct_rows(grouped(X.astype(np.float32), y.astype(np.int32), np.ones(len(X))))
    state = initial_state(network, key)
    model = Model(network, Optimizer(optimizer), RATES[optimizer], noise, key, state)
    return Task(model, rows, None, batch_size, True, EPOCHS[-1])


def moved(task: Task) -> Task:
    """Move each initial weight by a unit in its last place, up or down."""
    rng = np.random.default_rng(0)
    state = task.model.state
    weights = [
        np.nextafter(w, rng.choice([-np.inf, np.inf], w.shape).astype(np.float32))
        for w in state.weights
    ]
    return replace(task, model=replace(task.model, state=replace(state, weights=weights)))


def in_float32(task: Task) -> list[np.ndarray]:
    """Train by the compiled program; give the weights."""
    return [w.astype(float) for w in train_stack([task])[0].state.weights]


def in_float64(task: Task) -> list[np.ndarray]:
    """Train by NumPy; give the weights."""
    return trainer.train(task, getattr(trainer, task.model.optimizer.name))[0]


def probabilities(task: Task, weights: list[np.ndarray], X: np.ndarray) -> np.ndarray:
    """Predict, in float64."""
    out = trainer.outputs(task.model, weights, X)
    if out.shape[1] > 1:
        return softmax(out, axis=1)
    return np.hstack([expit(-out), expit(out)])


def main() -> None:
    """Print the table."""
    print(
        f"{'':32s} {'float32 against float64':^26s}  {'float64, weights moved':^26s}  over seeds"
    )
    columns = f"{'weight':>8s} {'p':>8s} {'log-loss':>8s}"
    print(f"{'':25s} {'epochs':>6s} {columns}  {columns} {'log-loss':>8s}")
    for name, X, y, n_train, batch_size, nodes in data_sets():
        parts = train_test_split(X, y, train_size=n_train, stratify=y, random_state=0)
        scaler = StandardScaler().fit(parts[0])
        X_train, X_test = (scaler.transform(part) for part in parts[:2])
        for optimizer in RATES:
            for level in (0.1, 0.0):
                seeds = [
                    make_task(X_train, parts[2], batch_size, nodes, optimizer, level, key)
                    for key in range(1, 1 + N_SEEDS)
                ]
                task = seeds[0]
                for epochs in EPOCHS:
                    short = replace(task, epochs=epochs)
                    exact = in_float64(short)
                    p = probabilities(task, exact, X_test)
                    loss = log_loss(parts[3], p)
                    line = f"{name:18s} {optimizer:4s} {level:g} {epochs:6d}"
                    for other in (in_float32(short), in_float64(moved(short))):
                        w = max(abs(a - b).max() for a, b in zip(exact, other, strict=True))
                        q = probabilities(task, other, X_test)
                        moved_loss = abs(log_loss(parts[3], q) - loss)
                        line += f" {w:8.1e} {abs(p - q).max():8.1e} {moved_loss:8.1e} "
                    results = train_stack([replace(t, epochs=epochs) for t in seeds])
                    losses = [
                        log_loss(parts[3], probabilities(task, r.state.weights, X_test))
                        for r in results
                    ]
                    print(f"{line} {np.std(losses, ddof=1):8.1e}", flush=True)


if __name__ == "__main__":
    main()
