"""A function compiled by XLA in a TensorFlow session of its own, which frees it at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


class Compiled:
    """A compiled function of arrays.

    What eager TensorFlow compiles, it keeps until the process ends, a training program with some
    135 of the 65,530 memory maps that Linux gives a process. A session keeps it until its end.

    Parameters
    ----------
    function : callable
        Takes and gives nested structures of tensors; traced once.
    arguments : tuple
        Arguments as ``function`` takes them, of arrays; None stays None. The function is compiled
        for their shapes and dtypes.
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

        dtypes = [result.dtype for result in traced.outputs]

        @jit
        def call(*values: tf.Tensor) -> list[tf.Tensor]:
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
            places = [tf.compat.v1.placeholder(a.dtype, a.shape) for a in leaves(arguments)]
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
        return self._run(*leaves(arguments))


def leaves(structure: Any) -> list[Any]:
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
