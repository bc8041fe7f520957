"""A program of TensorFlow's: a session frees what is compiled, XLA keeps a copy on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from sknoise.training._backends._disk import kept_in, seal

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
            tf.graph_util.import_graph_def(_renamed(graph.as_graph_def()), name="")
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


def _renamed(graph: Any) -> Any:
    """Name the functions of a ``GraphDef`` by the order in which they are used.

    TensorFlow puts a number into their names that counts whatever the process has done before,
    and names are a part of what XLA's cache on disk asks for.
    """
    functions = {f.signature.name: f for f in graph.library.function}
    names: dict[str, str] = {}

    def rename(holder: Any, field: str) -> None:
        old = getattr(holder, field)
        if old not in functions:
            return
        if old not in names:
            names[old] = f"function_{len(names)}"
            visit(functions[old].node_def)
        setattr(holder, field, names[old])

    def visit(nodes: Any) -> None:
        for node in nodes:
            rename(node, "op")
            for _, value in sorted(node.attr.items()):
                for function in (value.func, *value.list.func):
                    rename(function, "name")

    visit(graph.node)
    for old, new in names.items():
        functions[old].signature.name = new
    return graph
