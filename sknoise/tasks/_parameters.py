"""Checks of parameters that scikit-learn's declared constraints cannot express."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from sknoise.training._types import Optimizer

# The training program computes in single precision.
MAX_FLOAT = float(np.finfo(np.float32).max)


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


def per_layer(
    name: str,
    value: float | Sequence[float],
    n_layers: int,
    allowed: str,
    layers: str,
    most: float = MAX_FLOAT,
) -> tuple[float, ...]:
    """Read a parameter that is a float, or one for each layer.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    value : float or sequence of float
    n_layers : int
        Number of layers.
    allowed : str
        Says which values may be used, for messages.
    layers : str
        Says how many layers there are, for messages.
    most : float, default=MAX_FLOAT
        The largest value that may be used; the smallest is 0.

    Returns
    -------
    tuple of float, of length n_layers

    Raises
    ------
    ValueError
        If the number of values is wrong, or one cannot be used.
    """
    values = _as_tuple(value)
    if not isinstance(value, Real) and len(values) != n_layers:
        raise ValueError(
            f"{name}={value!r} has {len(values)} levels, but {layers}: give one number for all, "
            "or one for each."
        )
    if not all(isinstance(v, Real) and 0 <= as_float(v) <= most for v in values):
        raise ValueError(f"{name}={value!r} must be {allowed}.")
    if isinstance(value, Real):
        values *= n_layers
    return tuple(float(v) for v in values)


def as_float(value: Any) -> float:
    """Turn a real number into a float; what is too large becomes infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def read_float(name: str, value: Any) -> float:
    """Read a number that the training program takes in single precision.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    value : real number

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is larger than single precision has numbers.
    """
    number = as_float(value)
    if number > MAX_FLOAT:
        raise ValueError(f"{name}={value!r} is too large; use {MAX_FLOAT:.2g} at most.")
    return number


def read_optimizer(optimizer: str | Mapping[str, Any], learning_rate: Any = 0.001) -> Optimizer:
    """Read the parameters ``optimizer`` and ``learning_rate``.

    Parameters
    ----------
    optimizer : str or dict
        Keras's name, or a dict of ``class_name`` and ``config`` as Keras serialises it.
    learning_rate : float, dict or keras.optimizers.schedules.LearningRateSchedule
        A number is left out: it is no part of the optimizer.

    Returns
    -------
    Optimizer
        Not yet looked up in Keras.

    Raises
    ------
    ValueError
        If a dict has other keys, sets the learning rate, or is not plain JSON.
    """
    schedule = _read_schedule(learning_rate)
    if isinstance(optimizer, str):
        return Optimizer(optimizer, schedule=schedule)
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
        name, arguments = str(optimizer["class_name"]), json.dumps(config, sort_keys=True)
    except TypeError as error:
        raise ValueError(
            f"optimizer={optimizer!r} must hold plain numbers, strings, lists and dicts."
        ) from error
    return Optimizer(name, arguments, schedule)


def plain_learning_rate(learning_rate: Any) -> Any:
    """Give the parameter ``learning_rate`` as a number, or as Keras serialises it.

    Parameters
    ----------
    learning_rate : float, dict or keras.optimizers.schedules.LearningRateSchedule

    Returns
    -------
    float or dict

    Raises
    ------
    ValueError
        If it is a schedule that does not say what it was made with.
    """
    if isinstance(learning_rate, Real | Mapping):
        return learning_rate
    # Whoever has a schedule has imported Keras.
    import keras

    try:
        return keras.optimizers.schedules.serialize(learning_rate)
    except Exception as error:  # Whatever get_config, which may be anybody's, raises.
        raise ValueError(
            f"learning_rate={learning_rate!r} has no get_config that works, by which the training "
            "program gets a schedule of its own: give its class one that returns the arguments of "
            "its constructor, plain numbers and strings, and register it by "
            "keras.saving.register_keras_serializable()."
        ) from error


def _read_schedule(learning_rate: Any) -> str:
    """Serialise a schedule of the learning rate; "" where it is a number."""
    learning_rate = plain_learning_rate(learning_rate)
    if isinstance(learning_rate, Real):
        return ""
    try:
        return json.dumps(learning_rate, sort_keys=True)
    except TypeError as error:
        raise ValueError(
            f"learning_rate={learning_rate!r} must be a number, a schedule of "
            "keras.optimizers.schedules, or such a schedule as a dict of class_name and config, "
            "of plain numbers and strings."
        ) from error


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if np.iterable(value) else (value,)


def _is_positive_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
