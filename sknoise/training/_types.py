"""What goes into a training run and what comes out, as small named types of arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np

HISTORY_KEYS = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Network:
    """The static facts of a multilayer perceptron.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of input features, of units of each hidden layer, and of output units.
    activation : str
        Keras's name of the hidden layers' activation.
    output : {"sigmoid", "softmax"}
        One unit for two classes, or one unit for each class.
    """

    sizes: tuple[int, ...]
    activation: str
    output: Literal["sigmoid", "softmax"]

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of kernel and bias of each layer, in Keras's order."""
        pairs = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return [shape for a, b in pairs for shape in ((a, b), (b,))]

    @property
    def n_weights(self) -> int:
        """Number of weights, biases included."""
        return sum(prod(shape) for shape in self.weight_shapes)


@dataclass(frozen=True)
class Optimizer:
    """A Keras optimizer without its learning rate, hashable.

    Parameters
    ----------
    name : str
        Keras's class name.
    config : str, default="{}"
        Keras's arguments but the learning rate, as JSON with sorted keys.
    """

    name: str
    config: str = "{}"

    @property
    def arguments(self) -> dict[str, Any]:
        """Keras's arguments but the learning rate."""
        return dict(json.loads(self.config))

    def build(self, learning_rate: Any) -> Any:
        """Make the Keras optimizer.

        Parameters
        ----------
        learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
            The learning rate.

        Returns
        -------
        keras.optimizers.Optimizer
        """
        import keras

        config = self.arguments | {"learning_rate": learning_rate}
        # Keras looks up by name only some of the optimizers that it has.
        for name, cls in vars(keras.optimizers).items():
            if name.lower() == self.name.lower() and isinstance(cls, type):
                return cls(**config)
        return keras.optimizers.get({"class_name": self.name, "config": config})


@dataclass(frozen=True)
class Rows:
    """Rows of data with their labels and weights.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), dtype int32
        Label of each row, as the index of its class.
    weight : ndarray of shape (n_rows,), dtype float32
        Weight of each row, of mean 1.
    keys : ndarray of shape (n_rows,), dtype uint64, or None
        What the noise of each row is keyed by; None where there is no noise.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    keys: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    @property
    def arrays(self) -> list[np.ndarray]:
        """The arrays that there are."""
        return [a for a in (self.X, self.y, self.weight, self.keys) if a is not None]

    @cached_property
    def digest(self) -> bytes:
        """A hash of the content: equal where all arrays are, and only there."""
        content = hashlib.blake2b(repr([(a.shape, a.dtype) for a in self.arrays]).encode())
        for a in self.arrays:
            content.update(np.ascontiguousarray(a).data)
        return content.digest()


@dataclass(frozen=True)
class State:
    """All that a network carries from one training step to the next, in NumPy arrays.

    Parameters
    ----------
    weights : list of ndarray
        Kernel and bias of each layer, in Keras's order.
    optimizer : list of ndarray
        Variables of the Keras optimizer, the learning rate left out; empty before the
        first step.
    n_epochs : int
        Number of epochs done.
    n_steps : int
        Number of steps done.
    """

    weights: list[np.ndarray]
    optimizer: list[np.ndarray] = field(default_factory=list)
    n_epochs: int = 0
    n_steps: int = 0


@dataclass(frozen=True)
class Model:
    """A network with all that it takes to train it further.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    learning_rate : float
    noise : tuple of float
        Standard deviation at each site: the input, then before each hidden layer's
        activation; 0 is off.
    key : int
        64-bit number that all random draws of this network derive from.
    state : State
        What training starts from, or ended with.
    """

    network: Network
    optimizer: Optimizer
    learning_rate: float
    noise: tuple[float, ...]
    key: int
    state: State


@dataclass(frozen=True)
class Task:
    """A model to train, and what to train it on.

    Parameters
    ----------
    model : Model
    data : Rows
        The training data.
    validation : Rows or None
        Data to compute loss and accuracy on after each epoch.
    batch_size : int
        Number of rows in a step; a step takes all rows where there are fewer.
    shuffle : bool
        Whether each epoch draws new minibatches.
    epochs : int
        Number of passes over the data.
    """

    model: Model
    data: Rows
    validation: Rows | None
    batch_size: int
    shuffle: bool
    epochs: int

    @property
    def n_batches(self) -> int:
        """Number of steps in an epoch."""
        return -(-len(self.data) // self.batch_size)


@dataclass(frozen=True)
class Result:
    """A trained network.

    Parameters
    ----------
    state : State
        What training ended with.
    history : dict of str to ndarray of shape (epochs,), dtype float64
        ``loss`` and ``accuracy`` of the noisy training pass, and ``val_loss`` and
        ``val_accuracy`` where there is validation data.
    """

    state: State
    history: dict[str, np.ndarray]


# Called now and then with the number of epochs done and the figures of the last of them.
Progress = Callable[[int, Mapping[str, float]], None]
