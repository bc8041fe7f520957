"""TensorFlow: variables hold what is trained; a session of its own frees a program at its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla

from sknoise.training._backends._disk import kept_in, seal
from sknoise.training._backends._graph_names import renamed

# The flag by which XLA keeps programs, and the first TensorFlow that was seen to write a file
# apart and then rename it: of older ones a part may be left, which is an error.
_KEEP = "--tf_xla_persistent_cache_directory"
_WHOLE = (2, 21)


def _kept_in() -> Path | None:
    """Give the folder where XLA is to keep what it compiles; None where it is not."""
    if tuple(map(int, tf.__version__.split(".")[:2])) < _WHOLE:
        return None
    folder = kept_in(f"tensorflow-{tf.__version__}")
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if folder is not None and _KEEP not in flags:
        os.environ["TF_XLA_FLAGS"] = f"{flags} {_KEEP}={folder}"
    return folder


# Now, since TensorFlow reads its flags when it is used for the first time.
_FOLDER = _kept_in()

sort = xla.sort


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


class Compiled:
    """A compiled function, in a session.

    What eager TensorFlow compiles, it keeps until the process ends, a training program with some
    135 of the 65,530 memory maps that Linux gives a process. A session keeps it until its end.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        # Traced outside of the session's graph, where == between tensors compares identities.
        specs = tf.nest.map_structure(
            lambda a: None if a is None else tf.TensorSpec(a.shape, a.dtype), arguments
        )
        jit = tf.function(autograph=False, jit_compile=True)
        traced = jit(function).get_concrete_function(*specs)
        # What it captures are its variables; the session has its own.
        variables = {id(v.handle): v for v in traced.variables}
        starts = [variables[id(handle)].numpy() for handle in traced.captured_inputs]

        @jit
        def call(*values: tf.Tensor) -> list[tf.Tensor]:
            dtypes = [result.dtype for result in traced.outputs]
            return tf.raw_ops.StatefulPartitionedCall(args=values, Tout=dtypes, f=traced)

        threads = tf.config.threading
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=threads.get_intra_op_parallelism_threads(),
            inter_op_parallelism_threads=threads.get_inter_op_parallelism_threads(),
        )
        # XLA optimizes; what TensorFlow would do before takes time, and rounds otherwise.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        graph = tf.Graph()
        with graph.as_default():
            places = [tf.compat.v1.placeholder(a.dtype, a.shape) for a in _leaves(arguments)]
            own = [tf.Variable(start) for start in starts]
            starting = [v.initializer.name for v in own]
            results = call(*places, *(v.handle for v in own))
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        with self._session.graph.as_default():
            tf.graph_util.import_graph_def(renamed(graph.as_graph_def()), name="")
            self._session.run(starting)
            self._run = self._session.make_callable(
                [result.name for result in results], [place.name for place in places]
            )
        self._unsealed = _FOLDER

    def __call__(self, arguments: tuple[Any, ...]) -> list[np.ndarray]:
        results = self._run(*_leaves(arguments))
        # XLA has compiled it in the first call.
        if self._unsealed is not None:
            seal(self._unsealed)
            self._unsealed = None
        return results


def _leaves(structure: Any) -> list[Any]:
    """Flatten a nested structure, and leave out what is None."""
    return [leaf for leaf in tf.nest.flatten(structure) if leaf is not None]
