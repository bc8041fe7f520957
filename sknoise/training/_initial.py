"""The state of a network before its first step."""

from __future__ import annotations

import functools
import json

import keras
import numpy as np
import tensorflow as tf

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
        draw(seed=int(seed))(shape, dtype="float32").numpy()
        if len(shape) == 2
        else np.zeros(shape, dtype=np.float32)
        for shape, seed in zip(shapes, seeds, strict=True)
    ]
    return State(weights)


def check_keras(optimizer: Optimizer) -> None:
    """Check, before any training, that Keras can do what is asked for.

    Parameters
    ----------
    optimizer : Optimizer

    Raises
    ------
    RuntimeError
        If Keras runs on another backend than TensorFlow, or TensorFlow executes nothing at once.
    ValueError
        If Keras does not know the optimizer or its arguments.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"sknoise trains with Keras on TensorFlow, but Keras's backend is {backend!r}: set "
            "the environment variable KERAS_BACKEND to 'tensorflow' before Keras is imported."
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "sknoise needs TensorFlow's eager execution, which is off here. Call it outside of "
            "tf.Graph and tf.function, and without tf.compat.v1.disable_eager_execution() or "
            "disable_v2_behavior(), in a process of its own if other code needs these."
        )
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
