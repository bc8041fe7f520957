"""Cases of the fuzz test: parameters and data, right, borderline and wrong.

Most of what varies is no reason to compile: each process draws from a few networks only, for
compiling takes longer than all else of a case.
"""

import random
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.data import (
    CONTAINERS,
    DTYPES,
    GOOD_CONTAINERS,
    GOOD_DTYPES,
    GOOD_LABELS,
    GOOD_WEIGHTS,
    LABELS,
    VALUES,
    WEIGHTS,
    Labels,
    Table,
    Targets,
    Weights,
)

# What a parameter may be, without compiling anew.
_LEVELS = [1e-320, 1e-45, 1e-6, 0.1, 1, 3.0, np.float32(0.5), np.float16(0.1), np.int8(2), True]
_EXTREME_LEVELS = [1e3, 1e30, 1e39, 1e308, 10**400]
GOOD: dict[str, list[Any]] = {
    "learning_rate": [1e-3, 0.1, 1e-320, 1, np.float32(0.01), 1e6, 1e30, 1e300, np.float64(2)],
    "initializer": ["glorot_uniform", "he_normal", "orthogonal", "random_normal"],
    "epochs": [1, 2, 3, np.int64(2), np.uint8(1), True, "auto"],
    "validation_fraction": [0.1, 0.5, 0.99, 1e-300, np.float32(0.3)],
    "monitor": ["val_loss", "loss"],
    "patience": [0, 1, 10, 10**12, np.int32(3)],
    "min_delta": [0, 0.0, 1e-3, 1e30, 1e300, np.float16(1)],
    "restore_best_weights": [True, False],
    "warm_start": [False, True, np.True_],
    "random_state": [0, 1, 2**32 - 1, None, np.int64(3), np.random.RandomState(0)],
    "verbose": [0, False],
    "class_weight": [
        None,
        "balanced",
        {0: 2.0},
        {0: 0, 1: 1},
        {"a": 1.5},
        {},
        {0: 1e308},
        {0: 10**400},
        {1: "a"},
    ],
    "callbacks": [None, [], ()],
}
# What is wrong for most parameters; each is offered to any of them.
WRONG = [
    -1,
    -0.5,
    0,
    2.5,
    np.nan,
    np.inf,
    -np.inf,
    10**40,
    1e400,
    1j,
    None,
    True,
    "",
    "a lot",
    b"adam",
    [],
    (),
    {},
    [0.1, 0.2, 0.3, 0.4],
    [[0.1]],
    ["a"],
    [None],
    [np.nan],
    {"class_name": "adam"},
    {"class_name": "nothing", "config": {}},
    {"class_name": 3, "config": 4},
    {"class_name": "SGD", "config": {"momentum": "much"}},
    {"class_name": "ExponentialDecay", "config": {"decay_steps": 0}},
    {"a", "b"},
    object,
    lambda x: x,
    lambda x: 10**400,
    lambda x: "a lot",
    np.array([0.1]),
    np.array(3),
    np.array([]),
    np.float64("nan"),
    np.int64(-3),
    np.str_("adam"),
    np.datetime64("2020-01-01"),
    range(3),
    Table(2, 2),
]
_NAMES = [
    "activation",
    "alpha",
    "batch_size",
    "callbacks",
    "class_weight",
    "dropout",
    "early_stopping",
    "engine",
    "epochs",
    "initializer",
    "learning_rate",
    "max_norm",
    "min_delta",
    "monitor",
    "nodes",
    "noise_activation",
    "noise_distribution",
    "noise_free",
    "noise_gradient",
    "noise_hidden",
    "noise_input",
    "noise_kind",
    "noise_relative",
    "noise_schedule",
    "noise_target",
    "noise_weights",
    "optimizer",
    "patience",
    "random_state",
    "restore_best_weights",
    "shuffle",
    "validation_fraction",
    "verbose",
    "warm_start",
]
_OF_CLASSIFIERS = {"class_weight"}


@dataclass(frozen=True)
class Data:
    """What one call of fit or partial_fit gets."""

    method: str
    X: Table
    y: Labels | Targets
    sample_weight: Weights
    X_val: Table | None = None
    y_val: Labels | Targets | None = None
    sample_weight_val: Weights | None = None
    classes: Labels | None = None

    def build(self) -> dict[str, Any]:
        names = [f.name for f in fields(self) if f.name != "method"]
        return {n: getattr(self, n).build() for n in names if getattr(self, n) is not None}


@dataclass(frozen=True)
class Case:
    """An estimator, what it learns from, perhaps a second time, and what it predicts."""

    classifier: bool
    parameters: dict[str, Any]
    first: Data
    again: Data | None
    other: Table


@dataclass(frozen=True)
class Net:
    """What a program is compiled for."""

    classifier: bool
    parameters: dict[str, Any]
    noise: tuple[str, ...]
    rows: tuple[int, ...]
    n_columns: int
    n_classes: int
    validation: bool


_SITES = "noise_input noise_hidden noise_activation noise_weights noise_gradient noise_target"
_OPTIONS = [*_SITES.split(), "dropout", "alpha", "max_norm"]
_AUTOMATIC = ("noise_input", "noise_hidden", "alpha")
_SGD = {"class_name": "SGD", "config": {"momentum": 0.9}}


def nets(seed: int, n: int) -> tuple[list[Net], list[Net]]:
    """Draw the networks of a process: some small ones, and three that take longer."""
    rng = random.Random(seed)
    small = [_net(rng, (1, 2, 3, 5, 8)) for _ in range(n)]
    # Keras's own loop, which has not got all the noise; many columns; many rows.
    keras = replace(_net(rng, (5, 8)), noise=("noise_input", "dropout"))
    keras.parameters.update(engine="keras", noise_schedule="constant", noise_free=None)
    wide = replace(_net(rng, (2,)), n_columns=10**5, n_classes=2)
    long = replace(_net(rng, (10**5,)), n_columns=1, n_classes=2)
    for net in (wide, long):
        net.parameters.update(nodes=2, batch_size="auto")
    return small, [keras, wide, long]


def _net(rng: random.Random, rows: tuple[int, ...]) -> Net:
    classifier = rng.random() < 0.6
    early_stopping = rng.random() < 0.3
    parameters = {
        "nodes": rng.choice([1, 3, (3,), (2, 3), np.int64(3), [2, 1], np.array([3, 2])]),
        "activation": rng.choice(["relu", "tanh", "exponential", "elu", "selu", "softsign"]),
        "optimizer": rng.choice(["adam", "sgd", "rmsprop", "Lion", _SGD]),
        "batch_size": rng.choice(["auto", None, 1, 5, 10**30, np.int16(4)]),
        "shuffle": rng.random() < 0.8,
        "early_stopping": early_stopping,
        "noise_kind": rng.choice(["additive", "additive", "multiplicative"]),
        "noise_distribution": rng.choice(["gaussian", "uniform", "laplace"]),
        "noise_schedule": rng.choice(["constant", "linear", "cosine"]),
        "noise_free": rng.choice([None] * 6 + [[0], (np.int64(0),), np.array([0])]),
        "engine": rng.choice(["auto", "compiled"]),
    }
    if parameters["noise_kind"] == "additive":
        parameters["noise_relative"] = rng.random() < 0.2
    if not classifier:
        parameters["loss"] = rng.choice(["squared_error", "absolute_error", "huber", "poisson"])
    if rng.random() < 0.5:
        # What is not among the noise of a network is off, or left to the data.
        parameters.update(dict.fromkeys(_AUTOMATIC, 0))
    if len(rows) > 1:
        rows = rng.choice([(5, 8), (20,)] if early_stopping else [rows, (5, 8), (20,)])
    return Net(
        classifier,
        parameters,
        tuple(rng.sample(_OPTIONS, rng.choice([0, 1, 2, len(_OPTIONS)]))),
        rows,
        rng.choice([1, 3]),
        rng.choice([1, 2, 2, 3]) if classifier else rng.choice([1, 1, 2]),
        rng.random() < 0.3,
    )


def _mostly(good: list[Any], other: list[Any], percent: int = 92) -> st.SearchStrategy[Any]:
    """Draw from the first list, and now and then from the second."""
    return st.integers(0, 99).flatmap(lambda i: st.sampled_from(good if i < percent else other))


_SEEDS = st.integers(0, 2**16)
_FINE = ["normal"] * 6 + ["few", "counts", "constant", "zeros", "small", "denormal", "large"]
_NOT_NEGATIVE = ["few", "counts", "constant", "zeros"]


@st.composite
def tables(
    draw, n_rows: int, n_columns: int, percent: int = 95, values: list[str] = _FINE
) -> Table:
    """Draw a table of about this shape."""
    containers = (["array", *GOOD_CONTAINERS], list(CONTAINERS))
    if n_rows * n_columns > 1000:
        # Lists and data frames would take seconds to build.
        containers = (["array", "fortran"], ["memmap", "every other", "flat", "sparse matrix"])
    return Table(
        draw(_mostly([n_rows], [0, 1, 2, 8], 98)),
        draw(_mostly([n_columns], [0, 1, 2, 3], 98)),
        draw(_mostly(values, list(VALUES), percent)),
        draw(_mostly(["float64", "float64", *GOOD_DTYPES], list(DTYPES), percent)),
        draw(_mostly(*containers, percent)),
        draw(_SEEDS),
    )


@st.composite
def outputs(draw, net: Net, n_rows: int) -> Labels | Targets:
    """Draw labels or targets."""
    if net.classifier:
        kind = draw(_mostly(["ints", *GOOD_LABELS], list(LABELS)))
        return Labels(n_rows, net.n_classes, kind, draw(_SEEDS))
    values = _NOT_NEGATIVE if net.parameters["loss"] == "poisson" else _FINE
    return Targets(draw(tables(n_rows, net.n_classes, 95, values)))


def weights(n_rows: int) -> st.SearchStrategy[Weights]:
    """Draw sample weights."""
    kinds = _mostly(["none"] * 8 + GOOD_WEIGHTS, list(WEIGHTS))
    return st.builds(Weights, st.just(n_rows), kinds, _SEEDS)


@st.composite
def datas(draw, net: Net, method: str) -> Data:
    """Draw what a call of fit or partial_fit gets."""
    n = draw(st.sampled_from(net.rows))
    given = (method, draw(tables(n, net.n_columns)), draw(outputs(net, n)), draw(weights(n)))
    if method == "partial_fit":
        classes = None
        if net.classifier and draw(_mostly([True], [False])):
            # Of as many rows, all classes nearly always.
            classes = replace(given[2], n_rows=20)
            classes = draw(st.sampled_from([classes] * 9 + [replace(classes, kind="objects")]))
        return Data(*given, classes=classes)
    if not draw(_mostly([net.validation], [True, False], 97)):
        return Data(*given)
    missing = draw(_mostly(["nothing"], ["X", "y"], 97))
    return Data(
        *given,
        X_val=None if missing == "X" else draw(tables(3, net.n_columns)),
        y_val=None if missing == "y" else draw(outputs(net, 3)),
        sample_weight_val=draw(weights(3)),
    )


@st.composite
def parameters(draw, net: Net) -> dict[str, Any]:
    """Draw the parameters of an estimator."""
    out = dict(net.parameters)
    for name in net.noise:
        level = draw(_mostly(_LEVELS, _EXTREME_LEVELS, 99))
        if name == "dropout":
            level = draw(st.sampled_from([1e-320, 0.5, 0.9999999, np.float32(0.1)]))
        elif name == "noise_target" and net.classifier:
            level = draw(st.sampled_from([1e-320, 0.5, 1, 1.0, True]))
        out[name] = level
    for name in draw(st.lists(st.sampled_from(list(GOOD)), unique=True, max_size=4)):
        if net.classifier or name not in _OF_CLASSIFIERS:
            out[name] = draw(st.sampled_from(GOOD[name]))
    out.setdefault("epochs", 2)
    if draw(_mostly([False], [True], 88)):
        names = [name for name in _NAMES if net.classifier or name not in _OF_CLASSIFIERS]
        name = draw(st.sampled_from(names))
        value = draw(st.sampled_from(WRONG))
        # Right, and would take for ever.
        if (name, value) != ("epochs", 10**40):
            out[name] = value
    return out


@st.composite
def cases(draw, small: list[Net], large: list[Net]) -> Case:
    """Draw a case."""
    net = draw(_mostly(small, large, 97))
    methods = _mostly(["fit"], ["fit", "partial_fit"], 70)
    again = draw(_mostly([False], [True], 70))
    return Case(
        net.classifier,
        draw(parameters(net)),
        draw(datas(net, draw(methods))),
        draw(datas(net, draw(methods))) if again else None,
        draw(tables(draw(st.sampled_from([1, 4])), net.n_columns, 80)),
    )
