"""What goes into a training run and what comes out, as small named types of arrays."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from sknoise.noise._sites import Site
from sknoise.training._units import Units, in_own_units, standardising

# The output layer's activation under each of Keras's losses; "linear" under all others.
_OUTPUTS = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "poisson": "exponential",
}


@dataclass(frozen=True)
class Network:
    """The static facts of a multilayer perceptron.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of input features, of units of each hidden layer, and of output units.
    activation : str
        Keras's name of the hidden layers' activation.
    loss : str
        Keras's name of the loss.
    """

    sizes: tuple[int, ...]
    activation: str
    loss: str

    @property
    def output(self) -> str:
        """Keras's name of the output's activation."""
        return _OUTPUTS.get(self.loss, "linear")

    @property
    def figures(self) -> tuple[str, ...]:
        """What the history of the training data has; that of validation data has "val_" before."""
        return ("loss", "accuracy") if self.output in ("sigmoid", "softmax") else ("loss",)

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
    schedule : str, default=""
        A Keras schedule of the learning rate, serialised as JSON; none where empty.
    """

    name: str
    config: str = "{}"
    schedule: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """Keras's arguments but the learning rate."""
        return dict(json.loads(self.config))

    def build(self, learning_rate: Any) -> Any:
        """Make the Keras optimizer.

        Parameters
        ----------
        learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
            The learning rate where there is no schedule.

        Returns
        -------
        keras.optimizers.Optimizer
        """
        import keras

        if self.schedule:
            learning_rate = keras.optimizers.schedules.deserialize(json.loads(self.schedule))
        config = self.arguments | {"learning_rate": learning_rate}
        # Keras looks up by name only some of the optimizers that it has.
        for name, cls in vars(keras.optimizers).items():
            if name.lower() == self.name.lower() and isinstance(cls, type):
                # Of a whole number it says that it must be a float.
                for argument, parameter in inspect.signature(cls).parameters.items():
                    if isinstance(parameter.default, float) and type(config.get(argument)) is int:
                        config[argument] = float(config[argument])
                return cls(**config)
        return keras.optimizers.get({"class_name": self.name, "config": config})


@dataclass(frozen=True)
class Rows:
    """Rows of data with their labels or targets and weights.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,), dtype int32, or (n_rows, n_outputs), dtype float32
        Label of each row, as the index of its class; or its targets, standardised.
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
class Noise:
    """The noise of a network.

    Parameters
    ----------
    levels : mapping of Site to float
        How much noise there is at each site that has some. The standard deviation; for
        dropout the fraction of units dropped; for the target of a classifier the probability
        that a label is drawn anew.
    distribution : {"gaussian", "uniform", "laplace"}, default="gaussian"
        The distribution, but for dropout, the gradient, and labels.
    multiplicative : bool, default=False
        Whether input, units and kernels are multiplied by 1 + noise; otherwise the noise is
        added. Gradients and targets always have it added.
    """

    levels: Mapping[Site, float]
    distribution: str = "gaussian"
    multiplicative: bool = False


@dataclass(frozen=True)
class Stopping:
    """When to stop early.

    Parameters
    ----------
    monitor : str
        Name of the figure to watch.
    patience : int
        After how many epochs without improvement to stop.
    min_delta : float
        What an improvement must exceed.
    restore : bool
        Whether to end with the weights of the best epoch.
    """

    monitor: str
    patience: int
    min_delta: float
    restore: bool


@dataclass(frozen=True)
class Best:
    """What early stopping remembers.

    Parameters
    ----------
    figure : float
        The best that was seen of the figure watched, negated where more is better.
    wait : int
        Number of epochs since then.
    weights : ndarray of shape (n_weights,)
        The weights to end with: of the best epoch, or of the one that stopped.
    """

    figure: float
    wait: int
    weights: np.ndarray


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
    best : Best or None, default=None
        What early stopping remembers, in the middle of a training run.
    """

    weights: list[np.ndarray]
    optimizer: list[np.ndarray] = field(default_factory=list)
    n_epochs: int = 0
    n_steps: int = 0
    best: Best | None = None


@dataclass(frozen=True)
class Model:
    """A network with all that it takes to train it further.

    Parameters
    ----------
    network : Network
    optimizer : Optimizer
    learning_rate : float
        Has no effect where the optimizer has a schedule.
    noise : Noise
    key : int
        64-bit number that all random draws of this network derive from.
    state : State
        What training starts from, or ended with.
    feature_scale : ndarray of shape (n_features,), dtype float32, or None, default=None
        What multiplies the input's noise; None is 1.
    penalty : float, default=0.0
        Half of this times the sum of the squares of all kernels is added to the loss.
    max_norm : float, default=inf
        The most that the norm of a unit's incoming weights may be.
    units : Units or None, default=None
        What the targets are standardised by; None where there are labels.
    """

    network: Network
    optimizer: Optimizer
    learning_rate: float
    noise: Noise
    key: int
    state: State
    feature_scale: np.ndarray | None = None
    penalty: float = 0.0
    max_norm: float = math.inf
    units: Units | None = None

    @property
    def own_weights(self) -> list[np.ndarray]:
        """The weights, with an output in the targets' own units."""
        return in_own_units(self.units, self.state.weights)

    def with_own_weights(self, weights: list[np.ndarray]) -> Model:
        """Give the model whose ``own_weights`` these are."""
        weights = standardising(self.units, weights, self.state.weights)
        return replace(self, state=replace(self.state, weights=weights))


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
        Number of passes over the data, at most.
    schedule : ndarray of shape (epochs,), dtype float32, or None, default=None
        What multiplies all noise levels in each epoch, but dropout's and the gradient's; None
        is 1.
    stopping : Stopping or None, default=None
        When to stop early; None is never.
    snapshots : tuple of int, default=()
        Numbers of epochs, in order, after which the weights are noted.
    """

    model: Model
    data: Rows
    validation: Rows | None
    batch_size: int
    shuffle: bool
    epochs: int
    schedule: np.ndarray | None = None
    stopping: Stopping | None = None
    snapshots: tuple[int, ...] = ()

    @property
    def n_batches(self) -> int:
        """Number of steps in an epoch."""
        return -(-len(self.data) // self.batch_size)

    @property
    def figures(self) -> tuple[str, ...]:
        """What the history has."""
        names = self.model.network.figures
        return names if self.validation is None else (*names, *(f"val_{n}" for n in names))


@dataclass(frozen=True)
class Result:
    """A trained network.

    Parameters
    ----------
    state : State
        What training ended with.
    history : dict of str to ndarray of shape (epochs,), dtype float64
        The task's ``figures``. Those of the training data are of the noisy training pass.
    snapshots : list of list of ndarray, default=[]
        The weights at the task's snapshots, as far as training came.
    """

    state: State
    history: dict[str, np.ndarray]
    snapshots: list[list[np.ndarray]] = field(default_factory=list)


# Called now and then with the number of epochs done and the figures of the last of them.
Progress = Callable[[int, Mapping[str, float]], None]
# Asked now and then whether to end the training with the epochs done.
Stop = Callable[[], bool]


def never() -> bool:
    """Do not stop."""
    return False
