"""Tasks to train in tests."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from sknoise.training._initial import initial_state
from sknoise.training._rows import distinct_rows, normalised, rows_as_given
from sknoise.training._types import Model, Network, Optimizer, Rows, Task


def make_task(
    rng,
    *,
    n_rows=30,
    n_features=3,
    widths=(20,),
    n_classes=2,
    noise=0.3,
    activation="relu",
    optimizer="adam",
    config="{}",
    learning_rate=0.01,
    batch_size=None,
    shuffle=True,
    epochs=50,
    key=12345678901234567890,
    n_validation=0,
):
    """Make a task on random weighted data."""
    X = rng.normal(size=(n_rows, n_features)).astype(np.float32)
    y = np.arange(n_rows) % n_classes
    weight = rng.uniform(0.2, 2, size=n_rows)
    sizes = (n_features, *widths, 1 if n_classes == 2 else n_classes)
    network = Network(sizes, activation, "sigmoid" if n_classes == 2 else "softmax")
    levels = (noise,) * (len(widths) + 1) if np.isscalar(noise) else noise
    model = Model(
        network,
        Optimizer(optimizer, config),
        learning_rate,
        levels,
        key,
        initial_state(network, key),
    )
    batch_size = batch_size or sys.maxsize
    keep_order = not shuffle and n_rows > batch_size
    data = (rows_as_given if keep_order else distinct_rows)(X, y, weight)
    validation = None
    if n_validation:
        X_val = rng.normal(size=(n_validation, n_features)).astype(np.float32)
        y_val = (np.arange(n_validation) % n_classes).astype(np.int32)
        validation = Rows(X_val, y_val, normalised(rng.uniform(0.2, 2, size=n_validation)))
    return Task(model, data, validation, batch_size, shuffle, epochs)


def with_model(task, **changes):
    """Change the model of a task."""
    return replace(task, model=replace(task.model, **changes))
