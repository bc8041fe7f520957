"""What trains stacks: the contract, and threads of this process that fulfil it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any, Protocol

import joblib

from sknoise.training._types import Result, Task

Stack = Sequence[int]  # The numbers of its tasks.
Outcome = Result | BaseException
# Called with a stack and how many epochs its networks have done since the last call, added up;
# says whether anybody still waits for that stack.
Watch = Callable[[Stack, int], bool]

# Networks of a stack. A card takes a step of 256 small ones in three times what it takes for one.
ON_PROCESSORS, ON_A_CARD = 64, 512


class Aborted(BaseException):
    """A call of Parallel was aborted: its jobs must end, and not count as failed fits.

    Not an Exception, because scikit-learn turns those into an ``error_score``.
    """


class Workers(Protocol):
    """What a scheduler trains with."""

    def most_networks(self) -> int:
        """Give the size of a stack above which the time per network no longer falls."""

    def train(
        self, tasks: Sequence[Task], stacks: Sequence[Stack], watch: Watch
    ) -> Iterable[tuple[Stack, Sequence[Outcome]]]:
        """Train stacks of tasks; give each with its tasks' outcomes when it is done."""

    def forget(self) -> None:
        """Drop what was kept for stacks to come."""


class Threads:
    """Trains stacks in this process, as many at once as there are cores."""

    def most_networks(self) -> int:
        """Give the size of a stack above which the time per network no longer falls."""
        from sknoise.training._backends import backend

        return ON_A_CARD if backend().has_card() else ON_PROCESSORS

    def train(
        self, tasks: Sequence[Task], stacks: Sequence[Stack], watch: Watch
    ) -> Iterator[tuple[Stack, Sequence[Outcome]]]:
        """Train stacks of tasks; give each with its tasks' outcomes when it is done."""
        with ThreadPoolExecutor(joblib.cpu_count(), "sknoise-stack") as pool:
            futures = {
                pool.submit(outcomes_of, [tasks[i] for i in stack], partial(watch, stack)): stack
                for stack in stacks
            }
            for future in as_completed(futures):
                yield futures[future], future.result()

    def forget(self) -> None:
        """Do nothing: threads share all data."""


def outcomes_of(
    tasks: Sequence[Task], watch: Callable[[int], bool] | None = None
) -> Sequence[Outcome]:
    """Train one stack; what that raises is the outcome of each of its tasks.

    Parameters
    ----------
    tasks : sequence of Task
    watch : callable or None, default=None
        Called with the number of epochs that the networks have done since the last call,
        added up. Where it returns False, training ends.

    Returns
    -------
    list of Result or BaseException
    """
    from sknoise.training._stack import train_stack

    seen = 0

    def report(done: int, _: Any = None) -> None:
        nonlocal seen
        epochs = sum(min(done, task.epochs) for task in tasks)
        if watch is not None and not watch(epochs - seen):
            raise Aborted
        seen = epochs

    try:
        report(0)
        return train_stack(tasks, report)
    except BaseException as error:
        return [error] * len(tasks)
