"""Checks of parameters that scikit-learn's declared constraints cannot express."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from sknoise.training._types import Optimizer


def layer_widths(nodes: int | Sequence[int]) -> tuple[int, ...]:
    """Read the parameter ``nodes``.

    Parameters
    ----------
    nodes : int or sequence of int
        Width of the hidden layer, or of each hidden layer.

    Returns
    -------
    tuple of int
        One width for each hidden layer.

    Raises
    ------
    ValueError
        If there is none, or one is not a positive integer.
    """
    widths = _as_tuple(nodes)
    if not widths or not all(_is_positive_integer(w) for w in widths):
        raise ValueError(
            f"nodes={nodes!r} must be a positive integer, or a sequence of at least one "
            "positive integer: the width of each hidden layer."
        )
    return tuple(int(w) for w in widths)


def noise_levels(name: str, noise: float | Sequence[float], n_layers: int) -> tuple[float, ...]:
    """Read a noise parameter that is a float, or one for each layer.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    noise : float or sequence of float
        Standard deviations.
    n_layers : int
        Number of layers.

    Returns
    -------
    tuple of float, of length n_layers

    Raises
    ------
    ValueError
        If the number of levels is wrong, or one is negative or not finite.
    """
    levels = _as_tuple(noise)
    if not isinstance(noise, Real) and len(levels) != n_layers:
        raise ValueError(
            f"{name}={noise!r} has {len(levels)} levels, but nodes has {n_layers} hidden "
            "layer(s): give one number for all layers, or one for each."
        )
    if not all(isinstance(s, Real) and 0 <= float(s) < np.inf for s in levels):
        raise ValueError(
            f"{name}={noise!r} must be a standard deviation: finite, and 0 (off) or larger."
        )
    if isinstance(noise, Real):
        levels *= n_layers
    return tuple(float(s) for s in levels)


def rows_in_a_step(batch_size: int | str | None, n_rows: int) -> int:
    """Read the parameter ``batch_size``.

    Parameters
    ----------
    batch_size : int, "auto" or None
        "auto" is the power of two nearest to a sixteenth of the rows, at least 4 and at most
        256 (benchmarks/defaults.py has the evidence). None is all rows, however many.
    n_rows : int
        Number of distinct rows.

    Returns
    -------
    int
    """
    if batch_size is None:
        return sys.maxsize
    if batch_size == "auto":
        return min(256, max(4, 2 ** round(math.log2(n_rows / 16))))
    return int(batch_size)


def read_optimizer(optimizer: str | Mapping[str, Any]) -> Optimizer:
    """Read the parameter ``optimizer``.

    Parameters
    ----------
    optimizer : str or dict
        Keras's name, or a dict of ``class_name`` and ``config`` as Keras serialises it.

    Returns
    -------
    Optimizer
        Not yet looked up in Keras.

    Raises
    ------
    ValueError
        If a dict has other keys, sets the learning rate, or is not plain JSON.
    """
    if isinstance(optimizer, str):
        return Optimizer(optimizer)
    known = {"class_name", "config"}
    if "class_name" not in optimizer or not set(optimizer) <= known:
        raise ValueError(
            f"optimizer={optimizer!r} must be a Keras optimizer's name, or a dict such as "
            "{'class_name': 'SGD', 'config': {'momentum': 0.9}}."
        )
    config = dict(optimizer.get("config", {}))
    if "learning_rate" in config:
        raise ValueError(
            f"optimizer={optimizer!r} sets learning_rate: give that as the parameter "
            "learning_rate instead."
        )
    try:
        return Optimizer(str(optimizer["class_name"]), json.dumps(config, sort_keys=True))
    except TypeError as error:
        raise ValueError(
            f"optimizer={optimizer!r} must hold plain numbers, strings, lists and dicts."
        ) from error


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if np.iterable(value) else (value,)


def _is_positive_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
