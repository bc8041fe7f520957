"""The state of a network before its first step."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from sknoise.noise._philox import philox_4x32
from sknoise.training._backends import check_backend
from sknoise.training._types import Network, Optimizer, State


# The candidates of a search start from the same weights, if random_state is an integer.
@functools.lru_cache(maxsize=8)
def initial_state(network: Network, key: int, initializer: str = "glorot_uniform") -> State:
    """Draw initial weights as Keras's ``Dense`` does: random kernels, biases 0.

    Parameters
    ----------
    network : Network
        The shapes.
    key : int
        What the weights are a function of.
    initializer : str, default="glorot_uniform"
        Keras's name of the kernels' initializer.

    Returns
    -------
    State

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks".
    """
    # By class: keras.initializers.get would draw a seed from Python's global generator.
    draw = getattr(keras.initializers, initializer.title().replace("_", ""))
    shapes = network.weight_shapes
    seeds = np.random.SeedSequence(key).generate_state(len(shapes))
    weights = [
        _drawn(draw(seed=int(seed)), shape)
        if len(shape) == 2
        else np.zeros(shape, dtype=np.float32)
        for shape, seed in zip(shapes, seeds, strict=True)
    ]
    return State(weights)


def _drawn(initializer: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a kernel, where it is uniform the same on each of Keras's backends."""
    if isinstance(initializer, keras.initializers.RandomUniform):
        low, high = initializer.minval, initializer.maxval
    elif getattr(initializer, "distribution", "") == "uniform":
        n_inputs, n_units = shape
        fan = {"fan_in": n_inputs, "fan_out": n_units, "fan_avg": (n_inputs + n_units) / 2}
        high = math.sqrt(3 * initializer.scale / fan[initializer.mode])
        low = -high
    else:
        return ops.convert_to_numpy(initializer(shape, dtype="float32"))
    fractions = _tensorflows_fractions(initializer.seed, math.prod(shape)).reshape(shape)
    return fractions * np.float32(high - low) + np.float32(low)


# Keys of TensorFlow's own.
_SCRAMBLE = np.array([[0x3EC8F720], [0x02461E29]], np.uint32)


def _tensorflows_fractions(seed: int, n: int) -> np.ndarray:
    """Draw numbers from 0 to below 1, to the bit as Keras 3.15 does on TensorFlow.

    Parameters
    ----------
    seed : int
        32 bits.
    n : int
        How many.

    Returns
    -------
    ndarray of shape (n,), dtype float32
        Multiples of 2**-23.
    """
    zero = np.zeros(1, np.uint32)
    # Keras brings a seed below what TensorFlow takes.
    first = np.array([seed % (2**31 - 2)], np.uint32)
    k0, k1, c2, c3 = philox_4x32((first, zero, zero, zero), tuple(_SCRAMBLE), 10, np.asarray)
    blocks = np.arange(-(-n // 4), dtype=np.uint32)
    words = np.stack(philox_4x32((blocks, zero, c2, c3), (k0, k1), 10, np.asarray), axis=-1)
    return (words.ravel()[:n] & np.uint32(2**23 - 1)).astype(np.float32) * np.float32(2**-23)


def check_keras(optimizer: Optimizer) -> None:
    """Check, before any training, that Keras can do what is asked for.

    Parameters
    ----------
    optimizer : Optimizer

    Raises
    ------
    RuntimeError
        If TensorFlow executes nothing at once.
    ValueError
        If Keras does not know the optimizer or its arguments.
    """
    check_backend()
    _check_known(optimizer)


# Each Keras variable that is made leaks some 35 KiB (Keras 3.15), and an optimizer makes two:
# so each optimizer is tried once only.
@functools.lru_cache
def _check_known(optimizer: Optimizer) -> None:
    if optimizer.schedule:
        problem: object = "that is no schedule"
        try:
            schedule = keras.optimizers.schedules.deserialize(json.loads(optimizer.schedule))
        except (ValueError, TypeError, KeyError) as error:
            problem, schedule = error, None
        if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                f"learning_rate={optimizer.schedule} is not a schedule that Keras "
                f"{keras.__version__} knows; see keras.optimizers.schedules. Your own needs a "
                "get_config that gives its constructor's arguments, and "
                "keras.saving.register_keras_serializable() in a module that is imported wherever "
                "it trains: joblib's loky starts processes that import no notebook and no "
                f"__main__. Keras says: {problem}"
            )
    try:
        optimizer.build(0.001)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"optimizer={optimizer.name!r} with the arguments {optimizer.arguments} is not "
            f"known to Keras {keras.__version__}; see keras.optimizers for the names. "
            f"Keras says: {error}"
        ) from error
