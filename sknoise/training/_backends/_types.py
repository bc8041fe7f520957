"""What a backend has to offer: a new one is a module with these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

# The weights and the optimizer's variables of a program that is traced, in the form in which they
# ride through its loops.
Held = Any


class Stepper(Protocol):
    """Takes an optimizer's steps, for all networks of a stack at once.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Not yet built.
    shape : tuple of int
        Of the weights, (n_networks, n_weights): one variable, since element-wise optimizers do
        not mind, and it takes far fewer operations to trace, compile and run than one for each
        kernel and bias.

    Attributes
    ----------
    fresh : list of ndarray
        The optimizer's variables before the first step.
    """

    fresh: list[np.ndarray]

    def __init__(self, optimizer: Any, shape: tuple[int, int]) -> None: ...

    def begin(self, weights: Any, optimizer: Sequence[Any]) -> Held:
        """Take the values that a call starts from."""

    def end(self, held: Held) -> tuple[Any, list[Any]]:
        """Give weights and optimizer's variables."""

    def weights(self, held: Held) -> Any:
        """Give the weights."""

    def with_weights(self, held: Held, weights: Any) -> Held:
        """Set the weights."""

    def step(self, held: Held, gradient: Any) -> Held:
        """Take a step."""


class Compiled(Protocol):
    """A compiled function of arrays.

    Parameters
    ----------
    function : callable
        Takes and gives nested structures of tensors; traced once.
    arguments : tuple
        Arguments as ``function`` takes them, of arrays; None stays None. The function is compiled
        for their shapes and dtypes.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None: ...

    def __call__(self, arguments: tuple[Any, ...]) -> list[np.ndarray]:
        """Run.

        Parameters
        ----------
        arguments : tuple
            Of the structure, shapes and dtypes that it was compiled for.

        Returns
        -------
        list of ndarray
            What the function gives, flattened; without what is None.
        """


class Backend(Protocol):
    """A module of this folder."""

    Stepper: type[Stepper]
    Compiled: type[Compiled]

    def gradient(self, function: Callable[[list[Any]], tuple[Any, Any]], at: list[Any]) -> Any:
        """Differentiate.

        Parameters
        ----------
        function : callable
            Gives a scalar, and something more.
        at : list of tensor
            Its argument.

        Returns
        -------
        gradient : list of tensor
        more : object
            What else the function has given.
        """

    def once(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Trace a function once in a process, where the backend can, not once for each program.

        Parameters
        ----------
        function : callable
            Takes tensors or arrays and gives a tensor, element by element; it broadcasts them.

        Returns
        -------
        callable
            Gives the same.
        """

    def take(self, a: Any, index: Any) -> Any:
        """Take along the first axis what ``index`` says: Keras's take looks for negative ones."""

    def sort(self, a: Any) -> Any:
        """Sort along the last axis, by XLA: Keras's sort has TensorFlow carry places along."""

    def has_card(self) -> bool:
        """Say whether it computes on something else than processors."""

    def check_ready(self) -> None:
        """Raise a RuntimeError where the backend cannot be used as it is set up."""
