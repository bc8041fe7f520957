"""Which tasks train together: sorts them into the stacks that take the least time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from sknoise.training._cost import COMPILE, stack_bytes, step_seconds
from sknoise.training._sources import find_sources
from sknoise.training._spec import Spec, seats, shared_facts, spec_of
from sknoise.training._types import Task

# An empty seat costs as much as a taken one; a stack costs about as much as this many seats.
_SEATS_FOR_A_STACK = 2

Group = list[int]  # Numbers of tasks.


def plan_stacks(tasks: Sequence[Task], max_networks: int, max_bytes: int) -> list[Group]:
    """Sort tasks into stacks.

    Tasks that must not share a stack do not. Networks of different width share one where
    padding the narrower ones costs less than a second program. The tasks of a stack have
    similar numbers of epochs.

    Parameters
    ----------
    tasks : sequence of Task
    max_networks : int
        Number of networks in a stack at most.
    max_bytes : int
        Memory that a stack may take while it trains. One network is a stack however large.

    Returns
    -------
    list of list of int
        For each stack the numbers of its tasks, the longest stack first. The same tasks
        give the same plan.
    """
    alike: defaultdict[tuple[object, ...], Group] = defaultdict(list)
    for i, task in enumerate(tasks):
        alike[shared_facts(task)].append(i)
    groups = [g for group in alike.values() for g in _by_shape(tasks, group)]
    stacks = [stack for group in groups for stack in _split(tasks, group, max_networks, max_bytes)]
    return sorted(stacks, key=lambda stack: -_seconds(tasks, stack))


def _spec(tasks: Sequence[Task], group: Group) -> Spec:
    members = [tasks[i] for i in group]
    return spec_of(members, len(find_sources(members)[0]))


def _seconds(tasks: Sequence[Task], group: Group) -> float:
    """Estimate what it takes to compile a program for a group of tasks, and to train them."""
    steps = np.mean([tasks[i].epochs * tasks[i].n_batches for i in group])
    return COMPILE + float(steps) * step_seconds(_spec(tasks, group))


def _by_shape(tasks: Sequence[Task], group: Group) -> list[Group]:
    """Put tasks of one shape together, and shapes where one program is cheaper than two."""
    shapes: defaultdict[Spec, Group] = defaultdict(list)
    for i in group:
        shapes[spec_of([tasks[i]])].append(i)
    costly_first = sorted(shapes, key=lambda spec: (-step_seconds(spec), repr(spec)))
    groups: list[Group] = []
    for spec in costly_first:
        alone = shapes[spec]
        if groups:
            last, joint = groups[-1], sorted(groups[-1] + alone)
            apart = _seconds(tasks, last) + _seconds(tasks, alone)
            if _seconds(tasks, joint) < apart:
                groups[-1] = joint
                continue
        groups.append(alone)
    return groups


def _split(tasks: Sequence[Task], group: Group, max_networks: int, max_bytes: int) -> list[Group]:
    """Split a group into stacks of nearly equal size, with few seats left empty."""
    members = [tasks[i] for i in group]
    source = find_sources(members)[1]
    order = sorted(range(len(group)), key=lambda j: (tasks[group[j]].epochs, source[j], group[j]))
    n = len(group)

    def seats_in_all(n_stacks: int) -> int:
        return n_stacks * (seats(-(-n // n_stacks)) + _SEATS_FOR_A_STACK)

    fewest = -(-n // _most_networks(members, max_networks, max_bytes))
    n_stacks = min(range(fewest, n + 1), key=seats_in_all)
    return [[group[j] for j in part] for part in np.array_split(order, n_stacks)]


def _most_networks(tasks: Sequence[Task], max_networks: int, max_bytes: int) -> int:
    """Give how many of these networks fit into one stack."""
    n = min(len(tasks), max_networks)
    while n > 1 and stack_bytes(spec_of(tasks[:n])) > max_bytes:
        n -= 1
    return n
