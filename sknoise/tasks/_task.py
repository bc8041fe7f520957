"""From an estimator's parameters and checked data to a task, before TensorFlow is needed."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknoise.noise._sites import MAX_LAYER, MAX_WIDTH
from sknoise.tasks._noise import feature_deviations, noisy_features, read_noise, schedule_factors
from sknoise.tasks._parameters import (
    MAX_FLOAT,
    layer_widths,
    read_float,
    read_optimizer,
    rows_in_a_step,
)
from sknoise.training._rows import chosen_rows, distinct_rows, held_out, rows_as_given
from sknoise.training._types import Model, Network, Rows, State, Stopping, Task

# The program counts in 32 bits.
_MAX_INT = int(np.iinfo(np.int32).max)


def read_task(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    validation: Rows | None,
    epochs: int,
    going_on: bool,
) -> tuple[Task, np.ndarray | None]:
    """Read an estimator's parameters.

    Parameters
    ----------
    estimator : BaseNoisyMLP
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), dtype int32, or (n_rows, n_outputs), dtype float32
        Labels, as the indices of their classes; or targets.
    weight : ndarray of shape (n_rows,), dtype float64
    validation : Rows or None
    epochs : int
    going_on : bool
        Whether training goes on from where the last call ended.

    Returns
    -------
    task : Task
        What to train, yet without weights.
    deviations : ndarray of shape (n_features,) or None
        Of the features, where noise is relative to them.

    Raises
    ------
    ValueError
        If the parameters do not go together, or not with the data.
    """
    network = _read_network(estimator)
    noise = read_noise(estimator, len(network.sizes) - 2)
    optimizer = read_optimizer(estimator.optimizer, estimator.learning_rate)
    schedule = schedule_factors(estimator.noise_schedule, epochs)
    rate = estimator.learning_rate
    learning_rate = read_float("learning_rate", rate) if isinstance(rate, Real) else math.nan
    bound = estimator.max_norm
    max_norm = math.inf if bound is None else read_float("max_norm", bound)
    min_delta = read_float("min_delta", estimator.min_delta)
    key = estimator._fitted.key if going_on else draw_key(estimator.random_state)
    rows, held, batch_size, penalty = _divided(estimator, X, y, weight, validation, key)
    deviations, feature_scale = _feature_scale(estimator, rows, going_on)
    model = Model(
        network,
        optimizer,
        learning_rate,
        noise,
        key,
        State([]),
        feature_scale,
        penalty,
        max_norm,
    )
    stopping = None
    if estimator.early_stopping:
        patience = min(int(estimator.patience), _MAX_INT)
        rule = (estimator.monitor, patience, min_delta)
        stopping = Stopping(*rule, bool(estimator.restore_best_weights))
    shuffle = bool(estimator.shuffle)
    return Task(model, rows, held, batch_size, shuffle, epochs, schedule, stopping), deviations


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


def _divided(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    validation: Rows | None,
    key: int,
) -> tuple[Rows, Rows | None, int, float]:
    """Give the rows to train on, those to validate on, the batch size, and the penalty."""
    alpha = read_float("alpha", estimator.alpha)
    data = distinct_rows(X, y, weight)
    held = np.zeros(len(data), dtype=bool)
    if estimator.early_stopping and validation is None and estimator.monitor.startswith("val_"):
        held = held_out(data, estimator.validation_fraction, key)
        if not held.any():
            raise ValueError(
                "early_stopping=True needs rows to validate on, but validation_fraction="
                f"{estimator.validation_fraction} can take none of n_samples={len(data)} distinct "
                "rows. Give X_val and y_val, or monitor='loss'."
            )
    n_rows = len(data) - int(held.sum())
    batch_size = rows_in_a_step(estimator.batch_size, n_rows)
    if not estimator.shuffle and n_rows > batch_size:
        ordered = rows_as_given(X, y, weight)
        held = np.isin(np.asarray(ordered.keys), np.asarray(data.keys)[held])
        data = ordered
    # What a row counts for, were repeated rows given apart.
    mean_weight = weight.sum() / len(data)
    if held.any():
        mean_weight *= data.weight[~held].mean()
        validation = replace(chosen_rows(data, held), keys=None)
        data = chosen_rows(data, ~held)
    with np.errstate(over="ignore"):
        penalty = float(alpha / (min(batch_size, len(data)) * mean_weight))
    if penalty > MAX_FLOAT:
        raise ValueError(
            f"alpha={estimator.alpha} is too large beside the sample weights, {mean_weight:.3g} "
            "in the mean. Use a smaller alpha or larger weights."
        )
    return data, validation, batch_size, penalty


def _feature_scale(
    estimator: Any, rows: Rows, going_on: bool
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
    if not estimator.noise_input or (noisy is None and not estimator.noise_relative):
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
