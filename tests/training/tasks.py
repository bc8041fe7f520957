"""Tasks to train in tests."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from sknoise.noise._sites import Site
from sknoise.training._initial import initial_state
from sknoise.training._rows import distinct_rows, grouped, normalised, rows_as_given
from sknoise.training._types import Model, Network, Noise, Optimizer, Rows, Task


def before_activations(levels):
    """Make the noise of the input and, before the activation, of each hidden layer."""
    sites = [Site("input"), *(Site("hidden", i) for i in range(1, len(levels)))]
    return Noise({site: s for site, s in zip(sites, levels, strict=True) if s})


def noise(distribution="gaussian", multiplicative=False, target=0.0, gradient=0.0, **levels):
    """Make noise; the levels of the other kinds are given from the first layer on."""
    sites = {Site(kind, i): s for kind, of in levels.items() for i, s in enumerate(of, start=1)}
    sites[Site("input")] = sites.pop(Site("input", 1), 0.0)
    sites |= {Site("target"): target, Site("gradient"): gradient}
    return Noise({site: s for site, s in sites.items() if s}, distribution, multiplicative)


def make_targets(rng, loss, shape):
    """Draw targets that make sense for a loss."""
    draws = {
        "binary_crossentropy": lambda: rng.integers(2, size=shape),
        "poisson": lambda: rng.poisson(2, size=shape),
    }
    return draws.get(loss, lambda: rng.normal(size=shape))().astype(np.float32)


def make_task(
    rng,
    *,
    n_rows=30,
    n_features=3,
    widths=(20,),
    n_classes=2,
    n_outputs=None,
    noise=0.3,
    loss=None,
    activation="relu",
    optimizer="adam",
    config="{}",
    learning_rate=0.01,
    batch_size=None,
    shuffle=True,
    epochs=50,
    key=12345678901234567890,
    n_validation=0,
    feature_scale=None,
    penalty=0.0,
    max_norm=np.inf,
    schedule=None,
    stopping=None,
):
    """Make a task on random weighted data; it is a classifier's where n_outputs is None."""
    loss = loss or ("binary_crossentropy" if n_classes == 2 else "categorical_crossentropy")

    def make_data(n):
        X = rng.normal(size=(n, n_features)).astype(np.float32)
        y = (np.arange(n) % n_classes).astype(np.int32)
        if n_outputs:
            y = make_targets(rng, loss, (n, n_outputs))
        return X, y, rng.uniform(0.2, 2, size=n)

    X, y, weight = make_data(n_rows)
    width = n_outputs or (1 if n_classes == 2 else n_classes)
    network = Network((n_features, *widths, width), activation, loss)
    if np.isscalar(noise):
        noise = (noise,) * (len(widths) + 1)
    if not isinstance(noise, Noise):
        noise = before_activations(noise)
    state = initial_state(network, key)
    rest = (state, feature_scale, penalty, max_norm)
    model = Model(network, Optimizer(optimizer, config), learning_rate, noise, key, *rest)
    batch_size = batch_size or sys.maxsize
    keep_order = not shuffle and n_rows > batch_size
    data = (rows_as_given if keep_order else distinct_rows)(grouped(X, y, weight))
    validation = None
    if n_validation:
        X, y, weight = make_data(n_validation)
        validation = Rows(X, y, normalised(weight))
    return Task(model, data, validation, batch_size, shuffle, epochs, schedule, stopping)


def with_model(task, **changes):
    """Change the model of a task; noise may be given as levels before the activations."""
    if isinstance(changes.get("noise"), tuple):
        changes["noise"] = before_activations(changes["noise"])
    return replace(task, model=replace(task.model, **changes))
