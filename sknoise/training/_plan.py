"""Which tasks train together: sorts them into the stacks that take the least time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from sknoise.training._cost import COMPILE, stack_bytes, step_seconds
from sknoise.training._sources import find_sources
from sknoise.training._spec import Spec, seats, shared_facts, spec_of
from sknoise.training._types import Task

# An empty seat costs as much as a taken one; a stack costs about as much as this many seats.
_SEATS_FOR_A_STACK = 2
# Two programs at once do so much more than one after the other, on two cores: each uses both
# of them, but not all the time.
_PARALLEL_GAIN = 1.5

Stack = list[int]  # Numbers of tasks.


def plan_stacks(tasks: Sequence[Task], max_networks: int, max_bytes: int) -> list[Stack]:
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
    alike: defaultdict[tuple[object, ...], Stack] = defaultdict(list)
    for i, task in enumerate(tasks):
        alike[shared_facts(task)].append(i)
    source = find_sources(tasks)[1]
    groups = [g for same in alike.values() for g in _joined(_by_shape(tasks, source, same))]
    groups.sort(key=lambda group: (-group.seconds, group.numbers))
    return [
        stack
        for group in groups
        for stack in _split(tasks, source, group, max_networks, max_bytes)
    ]


@dataclass(frozen=True)
class _Group:
    """Tasks that one program may train, in one stack or several of one size."""

    numbers: Stack
    # Of all as one stack, however many.
    spec: Spec
    sources: frozenset[int]
    n_steps: int  # Of all networks together.

    @cached_property
    def seconds(self) -> float:
        """What it takes to compile the program, and to train."""
        return COMPILE + self.n_steps / len(self.numbers) * step_seconds(self.spec)

    def joined(self, other: _Group) -> _Group:
        """Put both into one, each layer as wide as the wider one's."""
        numbers = sorted(self.numbers + other.numbers)
        sources = self.sources | other.sources
        a, b = self.spec, other.spec
        sizes = tuple(map(max, a.network.sizes, b.network.sizes))
        spec = replace(
            a,
            network=replace(a.network, sizes=sizes),
            sites=tuple(sorted({*a.sites, *b.sites})),
            options=a.options | b.options,
            n_networks=seats(len(numbers)),
            n_sources=seats(len(sources)),
            n_rows=max(a.n_rows, b.n_rows),
            n_validation_rows=max(a.n_validation_rows, b.n_validation_rows),
            batch_size=max(a.batch_size, b.batch_size),
        )
        return _Group(numbers, spec, sources, self.n_steps + other.n_steps)


def _by_shape(tasks: Sequence[Task], source: Sequence[int], numbers: Stack) -> list[_Group]:
    """Put tasks of one shape together, the cheapest shape first."""
    shapes: defaultdict[Spec, Stack] = defaultdict(list)
    for i in numbers:
        shapes[spec_of([tasks[i]])].append(i)
    groups = []
    for spec in sorted(shapes, key=lambda spec: (step_seconds(spec), repr(spec))):
        same = shapes[spec]
        sources = frozenset(source[i] for i in same)
        stacked = replace(spec, n_networks=seats(len(same)), n_sources=seats(len(sources)))
        n_steps = sum(tasks[i].epochs * tasks[i].n_batches for i in same)
        groups.append(_Group(same, stacked, sources, n_steps))
    return groups


def _joined(groups: list[_Group]) -> list[_Group]:
    """Join groups where that shortens the whole.

    Neighbours are joined in the order of what it saves; of all the steps on the way to a
    single group, the best is taken.
    """
    pairs = [a.joined(b) for a, b in pairwise(groups)]
    best = groups
    while pairs:
        saved = [
            a.seconds + b.seconds - ab.seconds
            for (a, b), ab in zip(pairwise(groups), pairs, strict=True)
        ]
        k = saved.index(max(saved))
        groups = [*groups[:k], pairs[k], *groups[k + 2 :]]
        del pairs[k]
        for j in {k - 1, k} & set(range(len(pairs))):
            pairs[j] = groups[j].joined(groups[j + 1])
        if _duration(groups) <= _duration(best):
            best = groups
    return best


def _duration(groups: Sequence[_Group]) -> tuple[float, float]:
    """Estimate how long the groups take side by side, and, where that is equal, in all."""
    seconds = [group.seconds for group in groups]
    return max(max(seconds), sum(seconds) / _PARALLEL_GAIN), sum(seconds)


def _split(
    tasks: Sequence[Task],
    source: Sequence[int],
    group: _Group,
    max_networks: int,
    max_bytes: int,
) -> list[Stack]:
    """Split a group into stacks of nearly equal size, with few seats left empty."""
    # Next to each other: those that end together, and among these those that share a source.
    order = sorted(group.numbers, key=lambda i: (tasks[i].epochs, source[i], i))
    n = len(order)

    def seats_in_all(n_stacks: int) -> int:
        return n_stacks * (seats(-(-n // n_stacks)) + _SEATS_FOR_A_STACK)

    fewest = -(-n // _most_networks(group, max_networks, max_bytes))
    n_stacks = min(range(fewest, n + 1), key=seats_in_all)
    return [[order[j] for j in part] for part in np.array_split(np.arange(n), n_stacks)]


def _most_networks(group: _Group, max_networks: int, max_bytes: int) -> int:
    """Give how many networks of a group fit into one stack, at worst each with its own source."""
    n = min(len(group.numbers), max_networks)
    while n > 1:
        stack = replace(group.spec, n_networks=seats(n), n_sources=seats(n))
        if stack_bytes(stack) <= max_bytes:
            break
        n -= 1
    return n
