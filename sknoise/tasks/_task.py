"""From an estimator's parameters and checked data to a task, before TensorFlow is needed."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sknoise.noise._sites import MAX_LAYER, MAX_WIDTH, Site
from sknoise.tasks._division import divided
from sknoise.tasks._noise import feature_deviations, noisy_features, read_noise, schedule_factors
from sknoise.tasks._parameters import layer_widths, read_float, read_optimizer
from sknoise.training._types import Model, Network, Noise, Rows, State, Stopping, Task

# The program counts in 32 bits.
_MAX_INT = int(np.iinfo(np.int32).max)


class Measured(NamedTuple):
    """What was measured on the training data.

    Parameters
    ----------
    deviations : ndarray of shape (n_features,) or None
        Standard deviations of the features; None where noise is not relative to them.
    unexplained : float or None
        Fraction of the targets' variance; None where no parameter is "auto".
    """

    deviations: np.ndarray | None
    unexplained: float | None


def read_task(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    validation: Rows | None,
    epochs: int | str,
    going_on: bool,
    sample_weight: np.ndarray | None = None,
) -> tuple[Task, Measured]:
    """Read an estimator's parameters.

    Parameters
    ----------
    estimator : BaseNoisyMLP
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), dtype int32, or (n_rows, n_outputs), dtype float32
        Labels, as the indices of their classes; or targets.
    weight : ndarray of shape (n_rows,), dtype float64
    validation : Rows or None
    epochs : int or "auto"
    going_on : bool
        Whether training goes on from where the last call ended.
    sample_weight : ndarray of shape (n_rows,), dtype float64, default=None
        Weights without those of the classes; None where ``weight`` is that.

    Returns
    -------
    task : Task
        What to train, yet without weights.
    measured : Measured
        What parameters depend on, which training that goes on takes over.

    Raises
    ------
    ValueError
        If the parameters do not go together, or not with the data.
    """
    network = _read_network(estimator)
    optimizer = read_optimizer(estimator.optimizer, estimator.learning_rate)
    rate = estimator.learning_rate
    learning_rate = read_float("learning_rate", rate) if isinstance(rate, Real) else math.nan
    bound = estimator.max_norm
    max_norm = math.inf if bound is None else read_float("max_norm", bound)
    min_delta = read_float("min_delta", estimator.min_delta)
    key = estimator._fitted.key if going_on else draw_key(estimator.random_state)
    if sample_weight is None:
        sample_weight = weight
    data = (X, y, weight, sample_weight, validation)
    division = divided(estimator, *data, key, epochs, going_on)
    noise = read_noise(estimator, len(network.sizes) - 2, division.unexplained)
    schedule = schedule_factors(estimator.noise_schedule, division.epochs)
    deviations, feature_scale = _feature_scale(estimator, division.data, noise, going_on)
    model = Model(
        network,
        optimizer,
        learning_rate,
        noise,
        key,
        State([]),
        feature_scale,
        division.penalty,
        max_norm,
    )
    stopping = None
    if estimator.early_stopping:
        patience = int(min(estimator.patience, _MAX_INT))
        rule = (estimator.monitor, patience, min_delta)
        stopping = Stopping(*rule, bool(estimator.restore_best_weights))
    task = Task(
        model,
        division.data,
        division.validation,
        division.batch_size,
        bool(estimator.shuffle),
        division.epochs,
        schedule,
        stopping,
    )
    return task, Measured(deviations, division.unexplained)


def _read_network(estimator: Any) -> Network:
    """Read the parameters that describe the network."""
    loss, n_outputs = estimator._loss_and_outputs()
    sizes = (estimator.n_features_in_, *layer_widths(estimator.nodes), n_outputs)
    if len(sizes) - 1 > MAX_LAYER or max(sizes) > MAX_WIDTH:
        raise ValueError(
            f"The network has {len(sizes) - 2} hidden layers, up to {max(sizes)} features, "
            f"nodes or outputs; there is noise for at most {MAX_LAYER - 1} and {MAX_WIDTH}."
        )
    network = Network(sizes, estimator.activation, loss)
    if network.n_weights > _MAX_INT:
        raise ValueError(
            f"nodes={estimator.nodes!r} and {estimator.n_features_in_} features make "
            f"{network.n_weights:.2g} weights; there can be {_MAX_INT:.2g} at most."
        )
    return network


def _feature_scale(
    estimator: Any, rows: Rows, noise: Noise, going_on: bool
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Give the features' standard deviations, and what multiplies the input's noise."""
    n_features = estimator.n_features_in_
    names = getattr(estimator, "feature_names_in_", None)
    noisy = noisy_features(estimator.noise_free, n_features, names)
    deviations: np.ndarray | None = estimator._deviations if going_on else None
    scale = np.ones(n_features)
    if estimator.noise_relative:
        if estimator.noise_kind == "multiplicative":
            raise ValueError(
                "noise_relative=True needs noise_kind='additive': multiplicative noise is "
                "relative to each value already."
            )
        if deviations is None:
            deviations = feature_deviations(rows)
        scale = deviations
    if Site("input") not in noise.levels or (noisy is None and not estimator.noise_relative):
        return deviations, None
    return deviations, (scale if noisy is None else scale * noisy).astype(np.float32)


def draw_key(random_state: int | np.random.RandomState | None) -> int:
    """Turn a random state into the 64-bit key of a network.

    Parameters
    ----------
    random_state : int, RandomState instance or None

    Returns
    -------
    int
    """
    if random_state is None:
        # Not NumPy's global state, which check_random_state would give: fitting must leave
        # all global random state alone.
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    return int(check_random_state(random_state).randint(2**64, dtype=np.uint64))
