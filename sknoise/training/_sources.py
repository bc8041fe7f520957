"""Sources: distinct data, with the key of the draws, that networks of a stack share."""

from __future__ import annotations

from collections.abc import Sequence

from sknoise.training._types import Task


def find_sources(tasks: Sequence[Task]) -> tuple[list[int], list[int]]:
    """Find the tasks that train on the same data with the same key.

    A draw is a pure function of key, row, step and unit: what such tasks draw is the same,
    whatever their noise levels, widths and learning rates. In a grid search over C
    candidates with an integer ``random_state``, one fold has C tasks of one source.

    Parameters
    ----------
    tasks : sequence of Task

    Returns
    -------
    firsts : list of int
        Number of the first task of each source.
    source : list of int
        Number of the source of each task.
    """
    if len(tasks) == 1:
        return [0], [0]
    numbers: dict[tuple[object, ...], int] = {}
    firsts: list[int] = []
    source: list[int] = []
    for i, task in enumerate(tasks):
        validation = task.validation.digest if task.validation else None
        identity = (task.model.key, task.data.digest, validation)
        if identity not in numbers:
            numbers[identity] = len(firsts)
            firsts.append(i)
        source.append(numbers[identity])
    return firsts, source
