"""Candidates for the defaults, by name: the default with one thing changed, and earlier defaults.

`run.py --candidates` fits them and `choose.py` compares them. A family is what was chosen among.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import pairwise_distances

from benchmarks.real.models import NO_NOISE, Model
from benchmarks.real.sources import CLASSIFICATION, REGRESSION

DEFAULT = "default"
ESTIMATORS = {CLASSIFICATION: "NoisyMLPClassifier", REGRESSION: "NoisyMLPRegressor"}


def unexplained(task: str, X: np.ndarray, y: np.ndarray) -> float:
    """Give what the automatic parameters go by, as an estimator measures it.

    Parameters
    ----------
    task : {"classification", "regression"}
        What there is to predict.
    X : ndarray of shape (n_rows, n_columns)
        The rows.
    y : ndarray of shape (n_rows,)
        Classes or targets.

    Returns
    -------
    float
        The fraction of the targets' variance that the features leave unexplained.
    """
    from sknoise.tasks import read_units
    from sknoise.tasks._unexplained import unexplained as measure
    from sknoise.training._rows import distinct_rows, grouped, repetitions

    weight = np.ones(len(X))
    if task == CLASSIFICATION:
        target = np.unique(y, return_inverse=True)[1]
    else:
        column = y[:, np.newaxis]
        target = read_units(column, weight, False).standardised("y", column)
    rows = grouped(X.astype(np.float32), target, weight)
    # It remembers what it has measured: most candidates ask for the same.
    return measure(distinct_rows(rows), repetitions(rows, weight))


class Varied:
    """One of ours with some parameters changed, which may follow from the rows.

    Parameters
    ----------
    task : {"classification", "regression"}
        What there is to predict.
    parameters : dict
        A function in it is called with task, rows and targets.
    steps : int or None
        Number of steps on 400 rows where `epochs` is "auto"; None is the default's.
    seed : int
        Its seed.
    """

    def __init__(
        self, task: str, parameters: dict[str, Any], steps: int | None, seed: int
    ) -> None:
        self.task, self.parameters, self.steps, self.seed = task, parameters, steps, seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> Varied:
        """Fit to rows and their classes or targets."""
        import sknoise

        given = {
            name: value(self.task, X, y) if callable(value) else value
            for name, value in self.parameters.items()
        }
        self.model = getattr(sknoise, ESTIMATORS[self.task])(**given, random_state=self.seed)
        if self.steps is not None:
            self.model._usual_steps = self.steps
        self.model.fit(X, y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict classes or targets."""
        return self.model.predict(X)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Predict the classes' probabilities."""
        return self.model.predict_proba(X)


def power(factor: float, exponent: int) -> Callable[..., float]:
    """Let a parameter be a multiple of a power of the unexplained fraction."""
    return lambda task, X, y: factor * unexplained(task, X, y) ** exponent


def two_valued(task: str, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Find the columns that have at most two values, as those of one-hot encoded categories."""
    return np.array([len(np.unique(column)) <= 2 for column in X.T])


def between_classes(factor: float, exponent: int = 1) -> Callable[..., float]:
    """Let noise go as far as a fraction of the way to the nearest row of another class.

    Its length is about its level times the root of the number of columns. The distance is the
    median over rows; a power of it is for columns of variance 1.
    """

    def level(task: str, X: np.ndarray, y: np.ndarray) -> float:
        distances = np.where(y[:, None] == y, np.inf, pairwise_distances(X))
        way = float(np.median(distances.min(axis=1))) / X.shape[1] ** 0.5
        return factor * way**exponent

    return level


def cosine(task: str, X: np.ndarray, y: np.ndarray) -> Any:
    """Let the learning rate fall from .002 to 0, along half a cosine over all steps."""
    import keras

    from sknoise import NoisyMLPClassifier
    from sknoise.tasks._length import number_of_epochs

    # As many as epochs of one step each would be.
    steps = number_of_epochs("auto", len(X), 1, NoisyMLPClassifier._usual_steps)
    return keras.optimizers.schedules.CosineDecay(0.002, steps)


def _temperature(seed: int) -> Any:
    from sknoise import NoisyMLPClassifier

    estimator = NoisyMLPClassifier(random_state=seed)
    return CalibratedClassifierCV(estimator, method="temperature", ensemble=False)


def _levels(noise_input: Any, noise_hidden: Any, **others: Any) -> dict[str, Any]:
    return {"noise_input": noise_input, "noise_hidden": noise_hidden, **others}


def _made(task: str, parameters: dict[str, Any], steps: int | None = None) -> Model:
    return Model(partial(Varied, task, parameters, steps))


def _penalties(task: str, constants: list[float], powers: list[tuple[float, int]]) -> Any:
    """Penalties in place of the default's, without noise, which would help a weak one."""
    named: dict[str, Any] = {f"alpha {alpha}": alpha for alpha in constants}
    named |= {
        f"alpha {factor} u^{exponent}": power(factor, exponent) for factor, exponent in powers
    }
    return {name: _made(task, {"alpha": alpha, **NO_NOISE}) for name, alpha in named.items()}


def _lengths(task: str, lengths: list[int]) -> dict[str, Model]:
    return {f"{steps} steps": _made(task, NO_NOISE, steps) for steps in lengths}


_classifier = partial(_made, CLASSIFICATION)
_regressor = partial(_made, REGRESSION)
_EARLIER = {"epochs": 200, "alpha": 0}
_BY_HAND = {"epochs": 50, "alpha": 0.1}

FAMILIES: dict[str, dict[str, dict[str, Model]]] = {
    CLASSIFICATION: {
        "earlier": {
            "200 epochs, alpha 0, noise .1/.1": _classifier(_levels(0.1, 0.1, **_EARLIER)),
            "50 epochs, alpha .1, noise .3/.1": _classifier(_levels(0.3, 0.1, **_BY_HAND)),
            "50 epochs, alpha .1, no noise": _classifier(NO_NOISE | _BY_HAND),
        },
        "penalty, no noise": _penalties(
            CLASSIFICATION,
            [0, 0.03, 0.1, 0.3],
            [(factor, exponent) for exponent in (1, 2, 3) for factor in (0.3, 0.6, 1)],
        ),
        "length, no noise": _lengths(CLASSIFICATION, [500, 700, 1400, 2000]),
        "noise": {
            "no noise": _classifier(NO_NOISE),
            "noise .1/.1": _classifier(_levels(0.1, 0.1)),
            "noise .3/.1": _classifier(_levels(0.3, 0.1)),
            "noise .3u/.1u": _classifier(_levels(power(0.3, 1), power(0.1, 1))),
            "noise .6u^2/.2u^2": _classifier(_levels(power(0.6, 2), power(0.2, 2))),
            "noise .3/.1, falling": _classifier(_levels(0.3, 0.1, noise_schedule="linear")),
            "noise .1/.1, not in one-hot": _classifier(_levels(0.1, 0.1, noise_free=two_valued)),
            "noise .3/.1, not in one-hot": _classifier(_levels(0.3, 0.1, noise_free=two_valued)),
            "noise 1/4 to other classes": _classifier(_levels(between_classes(0.25), 0.1)),
            "noise 1/2 to other classes": _classifier(_levels(between_classes(0.5), 0.1)),
            "noise 3/4 to other classes": _classifier(_levels(between_classes(0.75), 0.1)),
            "noise 1 to other classes": _classifier(_levels(between_classes(1), 0.1)),
            "noise 1/2 to other classes, squared": _classifier(
                _levels(between_classes(0.5, 2), 0.1)
            ),
            "noise 1 to other classes, squared": _classifier(_levels(between_classes(1, 2), 0.1)),
            "noise 1/2 to other classes, hidden auto": _classifier(
                _levels(between_classes(0.5), "auto")
            ),
            "noise auto, hidden 0": _classifier({"noise_hidden": 0}),
            "noise 1/4 to other classes, hidden 0": _classifier(_levels(between_classes(0.25), 0)),
            "noise 1/2 to other classes, hidden 0": _classifier(_levels(between_classes(0.5), 0)),
            "noise 1/2 to other classes, squared, hidden 0": _classifier(
                _levels(between_classes(0.5, 2), 0)
            ),
        },
        "training": {
            "learning rate cosine": _classifier({"learning_rate": cosine}),
            "learning rate .002": _classifier({"learning_rate": 0.002}),
            "beta_2 .95": _classifier(
                {"optimizer": {"class_name": "Adam", "config": {"beta_2": 0.95}}}
            ),
            "he_uniform": _classifier({"initializer": "he_uniform"}),
            "early stopping": _classifier({"early_stopping": True}),
        },
        "network": {
            "100 nodes": _classifier({"nodes": 100}),
            "200 nodes": _classifier({"nodes": 200}),
            "256, 256 nodes": _classifier({"nodes": (256, 256)}),
            "selu": _classifier({"activation": "selu"}),
            "mish": _classifier({"activation": "mish"}),
        },
        "beside noise": {
            "label noise .05": _classifier({"noise_target": 0.05}),
            "dropout .2": _classifier({"dropout": 0.2}),
            "temperature": Model(_temperature),
        },
    },
    REGRESSION: {
        "earlier": {"200 epochs, alpha 0, noise .1/.1": _regressor(_levels(0.1, 0.1, **_EARLIER))},
        "penalty, no noise": _penalties(REGRESSION, [0, 0.1], [(0.6, 2), (1, 2), (0.3, 1)]),
        "length, no noise": _lengths(REGRESSION, [1000, 4000]),
        "noise": {
            "no noise": _regressor(NO_NOISE),
            "noise .1/.1": _regressor(_levels(0.1, 0.1)),
            "noise .05/.05": _regressor(_levels(0.05, 0.05)),
        },
        "training": {"learning rate .002": _regressor({"learning_rate": 0.002})},
    },
}
CANDIDATES: dict[str, dict[str, Model]] = {
    task: {
        DEFAULT: _made(task, {}),
        **{name: model for family in families.values() for name, model in family.items()},
    }
    for task, families in FAMILIES.items()
}
