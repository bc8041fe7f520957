"""The networks of a stack: their layers, the forward pass with noise, and their losses."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops

from sknoise.noise._sites import Site
from sknoise.training._inputs import Inputs
from sknoise.training._spec import Spec
from sknoise.training._step_noise import StepNoise, real_units


def layers_of(spec: Spec, weights: Any) -> list[Any]:
    """Split weights into the layers'.

    Parameters
    ----------
    spec : Spec
    weights : tensor of shape (n_networks, n_weights)

    Returns
    -------
    list of tensor
        Kernel (n_networks, n_inputs, n_units) and bias (n_networks, 1, n_units) of each layer.
    """
    shapes = spec.network.weight_shapes
    parts = ops.split(weights, np.cumsum([prod(s) for s in shapes])[:-1].tolist(), axis=1)
    m = spec.n_networks
    return [
        ops.reshape(part, (m, *shape) if len(shape) == 2 else (m, 1, *shape))
        for part, shape in zip(parts, shapes, strict=True)
    ]


def flat(layers: list[Any]) -> Any:
    """Join what ``layers_of`` splits."""
    return ops.concatenate([ops.reshape(a, (a.shape[0], -1)) for a in layers], axis=1)


def forward(spec: Spec, inputs: Inputs, layers: list[Any], X: Any, noise: StepNoise | None) -> Any:
    """Pass rows through the networks.

    Parameters
    ----------
    spec : Spec
    inputs : Inputs
    layers : list of tensor
        Kernel and bias of each layer.
    X : tensor of shape (n_networks, n_rows, n_features)
    noise : StepNoise or None
        None is no noise.

    Returns
    -------
    tensor of shape (n_networks, n_rows, n_outputs)
        Before the output's activation.
    """
    activation = keras.activations.get(spec.network.activation)

    def noisy(out: Any, kind: str, layer: int) -> Any:
        return out if noise is None else noise.on_units(out, Site(kind, layer))

    def without_padding(out: Any, layer: int) -> Any:
        # Silences units that a network has not got: their weights then stay at 0.
        real = real_units(spec, inputs, layer)
        return out if real is None else out * real[:, None, :]

    out = without_padding(noisy(X, "input", 0), 0)
    n_layers = len(layers) // 2
    for layer in range(1, n_layers + 1):
        kernel, bias = layers[2 * layer - 2 : 2 * layer]
        if noise is not None:
            kernel = noise.on_kernel(kernel, layer)
        out = _product(out, kernel) + bias
        if layer < n_layers:
            out = activation(noisy(out, "hidden", layer))
            out = noisy(noisy(out, "activation", layer), "dropout", layer)
            out = without_padding(out, layer)
    return out


def _product(a: Any, b: Any) -> Any:
    # A plain product of one network is faster than a batched product of a stack of one.
    if a.shape[0] > 1:
        return ops.matmul(a, b)
    return ops.expand_dims(ops.matmul(ops.squeeze(a, 0), ops.squeeze(b, 0)), 0)


def sums_of_figures(spec: Spec, out: Any, y: Any, weight: Any) -> Any:
    """Sum the figures of rows.

    Parameters
    ----------
    spec : Spec
    out : tensor of shape (n_networks, n_rows, n_outputs)
        Before the output's activation.
    y : tensor of shape (n_networks, n_rows) or (n_networks, n_rows, n_outputs)
        Index of the class for a softmax; one target for each output otherwise.
    weight : tensor of shape (n_networks, n_rows)

    Returns
    -------
    tensor of shape (n_figures, n_networks)
        Weighted sums of the network's figures.
    """
    figures = ops.stack(_figures(spec.network.loss, out, y))
    return ops.sum(figures * weight, axis=-1)


def _figures(loss: str, out: Any, y: Any) -> list[Any]:
    """Give each row's loss, and its accuracy where there are classes."""
    if loss == "binary_crossentropy":
        right = ops.cast((out > 0) == (y > 0), "float32")
        losses = ops.binary_crossentropy(y, out, from_logits=True)
        return [ops.mean(losses, axis=-1), ops.mean(right, axis=-1)]
    if loss == "categorical_crossentropy":
        label = ops.cast(y, "int32")
        target = ops.one_hot(label, out.shape[-1])
        right = ops.argmax(out, axis=-1) == label
        losses = ops.categorical_crossentropy(target, out, from_logits=True)
        return [losses, ops.cast(right, "float32")]
    if loss == "poisson":
        out = ops.exp(out)
    return [keras.losses.get(loss)(y, out)]
