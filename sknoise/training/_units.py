"""The units of targets: a network learns standardised ones, and users see their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Units:
    """What the targets of a network are standardised by.

    Parameters
    ----------
    center : ndarray of shape (n_outputs,), dtype float64
        Subtracted from the targets of each output; 0 where the output is exponential.
    scale : ndarray of shape (n_outputs,), dtype float64
        What the rest is divided by; above 0.
    exponential : bool
        Whether the output's activation is the exponential function, else none.
    """

    center: np.ndarray
    scale: np.ndarray
    exponential: bool

    def standardised(self, name: str, y: np.ndarray) -> np.ndarray:
        """Standardise targets, in double precision, and then round them.

        Parameters
        ----------
        name : str
            The parameter's name, for messages.
        y : ndarray of shape (n_rows, n_outputs), dtype float64

        Returns
        -------
        ndarray of the same shape, dtype float32

        Raises
        ------
        ValueError
            If one is too far from the others for single precision.
        """
        with np.errstate(over="ignore"):
            z = ((y - self.center) / self.scale).astype(np.float32)
        far = ~np.isfinite(z)
        if far.any():
            raise ValueError(
                f"{name} has {y[far][0]}, too far from the targets of the first training, of "
                f"center {self.center} and scale {self.scale}, for single precision."
            )
        return z

    def folded(self, kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
        """Give the output's kernel and bias for targets in their own units, in float64."""
        kernel, bias = kernel.astype(np.float64), bias.astype(np.float64)
        if self.exponential:
            return [kernel, bias + np.log(self.scale)]
        return [kernel * self.scale, bias * self.scale + self.center]

    def unfolded(self, kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
        """Undo ``folded``, but for rounding."""
        if self.exponential:
            unfolded = [kernel, bias - np.log(self.scale)]
        else:
            unfolded = [kernel / self.scale, (bias - self.center) / self.scale]
        return [np.asarray(a, dtype=np.float32) for a in unfolded]


def in_own_units(units: Units | None, weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Fold the units of the targets into the output layer.

    Parameters
    ----------
    units : Units or None
        None leaves the weights as they are.
    weights : sequence of ndarray
        Kernel and bias of each layer, of a network for standardised targets.

    Returns
    -------
    list of ndarray
    """
    if units is None:
        return list(weights)
    *hidden, kernel, bias = weights
    return [*hidden, *units.folded(kernel, bias)]


def standardising(
    units: Units | None, weights: Sequence[np.ndarray], trained: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Undo ``in_own_units``, exactly where the output layer is the one that was trained.

    Parameters
    ----------
    units : Units or None
    weights : sequence of ndarray
        As ``in_own_units`` gives them, or as somebody has changed them since.
    trained : sequence of ndarray
        What training left.

    Returns
    -------
    list of ndarray
    """
    if units is None:
        return list(weights)
    *hidden, kernel, bias = weights
    *_, own_kernel, own_bias = in_own_units(units, trained)
    if np.array_equal(kernel, own_kernel) and np.array_equal(bias, own_bias):
        return [*hidden, *trained[-2:]]
    return [*hidden, *units.unfolded(kernel, bias)]
