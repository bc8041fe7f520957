"""What a program takes and gives, as named tuples of arrays; while it is traced, of tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

# A call trains at most this many epochs; the history of a call has this length.
MAX_EPOCHS = 1024


class Block(NamedTuple):
    """Rows of each source, padded with rows of weight 0."""

    X: Any  # (n_sources, n_rows, n_features) float32
    y: Any  # (n_sources, n_rows) index of the class, or (n_sources, n_rows, n_outputs), float32
    weight: Any  # (n_sources, n_rows) float32
    keys: Any  # (n_sources, n_rows, 2) uint32
    n_rows: Any  # (n_sources,) int32, without the padding


class StoppingRule(NamedTuple):
    """When each network stops early."""

    monitor: Any  # (n_networks,) int32, number of the figure
    sign: Any  # (n_networks,) float32, -1 where more is better
    patience: Any  # (n_networks,) int32
    min_delta: Any  # (n_networks,) float32
    restore: Any  # (n_networks,) bool


class StoppingState(NamedTuple):
    """What early stopping remembers of each network."""

    figure: Any  # (n_networks,) float32, times the sign
    wait: Any  # (n_networks,) int32
    epochs: Any  # (n_networks,) int32, number of epochs done when it stopped; 0 before
    weights: Any  # (n_networks, n_weights) float32


class Inputs(NamedTuple):
    """All that a call takes beside the state and the number of epochs."""

    data: Block
    validation: Block | None
    n_batches: Any  # () int32, number of steps in an epoch
    keys: Any  # (n_sources, 2) uint32
    source: Any  # (n_networks,) int32, which source each network learns from
    units: Any  # (n_networks, n_layers) int32, without the padding
    noise: Any  # (n_networks, n_sites) float32
    learning_rate: Any  # (n_networks, 1) float32
    # These are None where no network of the stack needs them.
    schedule: Any  # (n_networks, MAX_EPOCHS) float32, from the call's first epoch on
    feature_scale: Any  # (n_networks, n_features) float32
    penalty: Any  # (n_networks,) float32
    max_norm: Any  # (n_networks,) float32
    stopping: StoppingRule | None


class ProgramState(NamedTuple):
    """What a call starts from and ends with."""

    weights: Any  # (n_networks, n_weights) float32, kernels and biases one after the other
    optimizer: list[Any]  # the Keras optimizer's variables
    stopping: StoppingState | None
    n_epochs: int
    n_steps: int
