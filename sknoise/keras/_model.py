"""Our networks as plain Keras models, which know no scikeras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from sknoise.keras._layer import noise_layer
from sknoise.noise._sites import Site
from sknoise.training._types import Model

# Keras's figure "loss" has the penalty in it; where there is one, this has not.
PURE_LOSS = "pure_loss"


def keras_model(model: Model) -> keras.Sequential:
    """Make the Keras model of a network, compiled, with its weights.

    Parameters
    ----------
    model : Model

    Returns
    -------
    keras.Sequential
    """
    # Another seed at each start, or a continued fit would repeat its noise.
    made = _layers_of(model, (model.key, model.state.n_steps))
    loss = _keras_loss(model)
    metrics: list[Any] = list(model.network.figures[1:])
    if model.network.output == "sigmoid":
        # Keras would take several labels a row for one label of several classes.
        metrics = [keras.metrics.BinaryAccuracy("accuracy")]
    if model.penalty:
        metrics.append(keras.metrics.MeanMetricWrapper(keras.losses.get(loss), PURE_LOSS))
    made.compile(
        optimizer=model.optimizer.build(model.learning_rate), loss=loss, weighted_metrics=metrics
    )
    made.set_weights(model.state.weights)
    # Built, or a saved model could not load its optimizer.
    made.optimizer.build(made.trainable_variables)
    return made


def _layers_of(model: Model, seed: tuple[int, ...]) -> keras.Sequential:
    """Build the layers of a network; the seed is that of its noise."""
    network = model.network
    n_features, *widths, n_outputs = network.sizes
    layers = [keras.Input((n_features,)), *_noise_at(Site("input"), "noise_input", model, seed)]
    for i, width in enumerate(widths, start=1):
        name = f"hidden_{i}"
        before = _noise_at(Site("hidden", i), f"noise_{name}", model, seed)
        if before:
            activation = keras.layers.Activation(
                network.activation, name=f"activation_{i}", dtype="float32"
            )
            layers += [_dense(width, None, name, model), *before, activation]
        else:
            layers.append(_dense(width, network.activation, name, model))
        layers += _noise_at(Site("activation", i), f"noise_activation_{i}", model, seed)
        layers += _noise_at(Site("dropout", i), f"dropout_{i}", model, seed)
    return keras.Sequential([*layers, _dense(n_outputs, network.output, "output", model)])


def _noise_at(
    site: Site, name: str, model: Model, seed: tuple[int, ...]
) -> list[keras.layers.Layer]:
    """Make the layer of a site; none where there is no noise."""
    noise = model.noise
    level = noise.levels.get(site)
    if level is None:
        return []
    # A seed of its own for each site, whatever other sites there are; PyTorch's have 31 bits.
    own = int(np.random.SeedSequence([*seed, site.number]).generate_state(1)[0] // 2)
    if site.kind == "dropout":
        return [keras.layers.Dropout(level, seed=own, name=name, dtype="float32")]
    scale: Any = model.feature_scale if site.kind == "input" else None
    layer = noise_layer(
        level, own, noise.distribution, noise.multiplicative, scale, name=name, dtype="float32"
    )
    return [layer]


def _dense(units: int, activation: str | None, name: str, model: Model) -> keras.layers.Dense:
    # The initial weights are replaced by ours: a seed keeps Keras's global one untouched.
    initializer = keras.initializers.GlorotUniform(seed=0)
    # Made only where they act, for a plain model otherwise.
    constraint = keras.constraints.MaxNorm(model.max_norm) if np.isfinite(model.max_norm) else None
    regularizer = keras.regularizers.L2(model.penalty / 2) if model.penalty else None
    return keras.layers.Dense(
        units,
        activation,
        kernel_initializer=initializer,
        kernel_constraint=constraint,
        kernel_regularizer=regularizer,
        name=name,
        dtype="float32",
    )


def _keras_loss(model: Model) -> str:
    """Give Keras's name of a network's loss."""
    # Our labels are indices of classes.
    name = model.network.loss
    return "sparse_categorical_crossentropy" if name == "categorical_crossentropy" else name
