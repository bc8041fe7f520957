"""The names of functions in a graph of TensorFlow's, the same in each process."""

from __future__ import annotations

from typing import Any


def renamed(graph: Any) -> Any:
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
