"""TensorFlow: variables hold what is trained, and a session the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla

from sknoise.training._backends._session import Compiled

__all__ = ["Compiled", "Stepper", "check_ready", "gradient", "has_card", "once", "sort", "take"]

sort = xla.sort
take = tf.gather


def once(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Trace for arguments of any length; see ``Backend``."""

    def call(*arguments: Any) -> tf.Tensor:
        tensors = [tf.convert_to_tensor(a) for a in arguments]
        specs = tuple(tf.TensorSpec([None] * a.shape.rank, a.dtype) for a in tensors)
        result = _traced(function, specs)(*tensors)
        result.set_shape(reduce(tf.broadcast_static_shape, (a.shape for a in tensors)))
        return result

    return call


@cache
def _traced(function: Callable[..., tf.Tensor], specs: tuple[tf.TensorSpec, ...]) -> Any:
    # By itself, not as a part of the program that asks for it.
    with tf.init_scope():
        return tf.function(function, autograph=False).get_concrete_function(*specs)


class Stepper:
    """Keras's optimizers write variables here; so there is nothing to carry through the loops."""

    def __init__(self, optimizer: Any, shape: tuple[int, int]) -> None:
        self._optimizer = optimizer
        self._weights = keras.Variable(np.zeros(shape, np.float32), dtype="float32")
        optimizer.build([self._weights])
        self._variables = [self._weights, *optimizer.variables]
        self.fresh = [v.value.numpy() for v in optimizer.variables]

    def begin(self, weights: tf.Tensor, optimizer: Sequence[tf.Tensor]) -> tuple[()]:
        for variable, value in zip(self._variables, [weights, *optimizer], strict=True):
            variable.assign(value)
        return ()

    def end(self, held: tuple[()]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        weights, *optimizer = (tf.convert_to_tensor(v) for v in self._variables)
        return weights, optimizer

    def weights(self, held: tuple[()]) -> tf.Tensor:
        return tf.convert_to_tensor(self._weights)

    def with_weights(self, held: tuple[()], weights: tf.Tensor) -> tuple[()]:
        self._weights.assign(weights)
        return ()

    def step(self, held: tuple[()], gradient: tf.Tensor) -> tuple[()]:
        # Where there may be several replicas, Keras sums over them, by a custom gradient, and what
        # has one TensorFlow keeps for ever. A merge call is where there is no replica.
        tf.distribute.get_replica_context().merge_call(
            lambda _: self._optimizer.apply([gradient], [self._weights])
        )
        return ()


def gradient(function: Callable[[list[tf.Tensor]], tuple[tf.Tensor, Any]], at: Any) -> Any:
    """Differentiate; see ``Backend``."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        value, more = function(at)
    return tape.gradient(value, at), more


def has_card() -> bool:
    """Say whether TensorFlow computes on something else than processors."""
    return bool(tf.config.get_visible_devices("GPU"))


def check_ready() -> None:
    """Check that TensorFlow executes eagerly."""
    if not tf.executing_eagerly():
        raise RuntimeError(
            "sknoise needs TensorFlow's eager execution, which is off here. Call it outside of "
            "tf.Graph and tf.function, and without tf.compat.v1.disable_eager_execution() or "
            "disable_v2_behavior(), in a process of its own if other code needs these."
        )
