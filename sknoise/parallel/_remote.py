"""Trains stacks by an executor: in other processes, or on other machines."""

from __future__ import annotations

import functools
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np

from sknoise.parallel._workers import (
    ON_PROCESSORS,
    Aborted,
    Outcome,
    Stack,
    Watch,
    outcomes_of,
)
from sknoise.training._types import Rows, Task

# How often we look whether anybody still waits for stacks that train elsewhere.
_LOOK_SECONDS = 0.5
# How often a stack is sent that the executor loses, before it is trained here.
_TRIES = 2
# Stands in for data that travels apart from its task.
_NO_ROWS = Rows(*(np.zeros(0, dtype=np.float32),) * 3)


class Remote:
    """Trains stacks by an executor, and here where the executor loses them.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Stays open; whoever made it closes it.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._carrier = _carrier_for(executor)

    def most_networks(self) -> int:
        """Give the size of a stack above which the time per network no longer falls."""
        return ON_PROCESSORS

    def train(
        self, tasks: Sequence[Task], stacks: Sequence[Stack], watch: Watch
    ) -> Iterator[tuple[Stack, Sequence[Outcome]]]:
        """Train stacks of tasks; give each with its tasks' outcomes when it is done."""
        to_send = [_Trip(stack, [tasks[i] for i in stack]) for stack in stacks]
        under_way: dict[Future[Sequence[Outcome]], _Trip] = {}
        while to_send or under_way:
            for trip in to_send:
                future = self._sent(trip)
                if future is None:
                    watch_trip = functools.partial(watch, trip.stack)
                    yield trip.stack, outcomes_of(trip.tasks, watch_trip)
                else:
                    under_way[future] = trip
            to_send = []
            done, others = wait(under_way, _LOOK_SECONDS, FIRST_COMPLETED)
            for future in done:
                trip = under_way.pop(future)
                try:
                    outcomes = future.result()
                except Exception as error:
                    # What training raises is an outcome: this came from the executor.
                    to_send.append(trip._replace(tries=trip.tries + 1, error=error))
                else:
                    watch(trip.stack, sum(task.epochs for task in trip.tasks))
                    yield trip.stack, outcomes
            for future in others:
                stack = under_way[future].stack
                if not watch(stack, 0):
                    future.cancel()
                    del under_way[future]
                    yield stack, [Aborted()] * len(stack)

    def forget(self) -> None:
        """Drop the data that the workers were sent."""
        self._carrier.forget()

    def _sent(self, trip: _Trip) -> Future[Sequence[Outcome]] | None:
        """Submit a stack; None where that is no use any more."""
        error = trip.error
        if trip.tries < _TRIES:
            try:
                return self._submit(trip.tasks)
            except Exception as refusal:
                error = refusal
        warnings.warn(
            f"The executor lost a stack of networks ({error!r}); it is trained in this process "
            "instead, with the same result.",
            RuntimeWarning,
            stacklevel=2,
        )
        return None

    def _submit(self, tasks: Sequence[Task]) -> Future[Sequence[Outcome]]:
        """Send the tasks of a stack without their data, and all distinct data once."""
        parcels: list[Any] = []
        numbers: dict[bytes, int] = {}

        def number(rows: Rows) -> int:
            if rows.digest not in numbers:
                numbers[rows.digest] = len(parcels)
                parcels.append(self._carrier.parcel(rows))
            return numbers[rows.digest]

        bare = [
            _Bare(
                replace(task, data=_NO_ROWS, validation=None),
                number(task.data),
                None if task.validation is None else number(task.validation),
            )
            for task in tasks
        ]
        return self._executor.submit(_train_sent, bare, *parcels)


class _Trip(NamedTuple):
    """A stack on its way to the executor."""

    stack: Stack
    tasks: Sequence[Task]
    tries: int = 0
    error: Exception | None = None


class _Bare(NamedTuple):
    """A task without its data, and the numbers of the parcels that have it."""

    task: Task
    data: int
    validation: int | None


def _train_sent(bare: Sequence[_Bare], *parcels: Rows | _Stored) -> Sequence[Outcome]:
    """Train a stack in the process that it was sent to."""
    rows = [_stored_rows(p.path) if isinstance(p, _Stored) else p for p in parcels]
    return outcomes_of(
        [
            replace(task, data=rows[data], validation=None if v is None else rows[v])
            for task, data, v in bare
        ]
    )


class _Carrier:
    """Brings data to workers, by default anew with each stack."""

    def __init__(self) -> None:
        self._parcels: dict[bytes, Any] = {}

    def parcel(self, rows: Rows) -> Any:
        """Give what to submit in place of the data."""
        if rows.digest not in self._parcels:
            self._parcels[rows.digest] = self._packed(rows)
        return self._parcels[rows.digest]

    def forget(self) -> None:
        """Drop all parcels."""
        self._parcels.clear()

    def _packed(self, rows: Rows) -> Any:
        return rows


@dataclass(frozen=True)
class _Stored:
    """Data that lies in a file."""

    path: str


# Not more, because a mapped file takes space on the disk even after it is deleted.
@functools.lru_cache(maxsize=32)
def _stored_rows(path: str) -> Rows:
    """Map a file into memory, once in each process."""
    rows: Rows = joblib.load(path, mmap_mode="r")
    return rows


class _FileCarrier(_Carrier):
    """Writes data to files that the processes of this machine share."""

    def __init__(self) -> None:
        super().__init__()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def forget(self) -> None:
        super().forget()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _packed(self, rows: Rows) -> _Stored:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(
                prefix="sknoise-", ignore_cleanup_errors=True
            )
        path = str(Path(self._folder.name) / rows.digest.hex())
        joblib.dump(rows, path)
        return _Stored(path)


class _DaskCarrier(_Carrier):
    """Makes data the result of a dask task, which dask copies to each worker that needs it."""

    def __init__(self, client: Any) -> None:
        super().__init__()
        self._client = client

    def _packed(self, rows: Rows) -> Any:
        import dask

        # Not scattered: dask cannot make scattered data again that it lost with a worker, and
        # waits for ever where a worker dies while it is copied to all. It warns of large
        # arguments because they usually travel with every task; these travel once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": sys.maxsize}):
            return self._client.submit(_same, rows, pure=False)


def _same(rows: Rows) -> Rows:
    return rows


def _carrier_for(executor: Executor) -> _Carrier:
    """Choose how data travels."""
    if isinstance(executor, ProcessPoolExecutor):
        return _FileCarrier()
    # Who has made such an executor has imported distributed.
    if "distributed" in sys.modules:
        from distributed.cfexecutor import ClientExecutor

        if isinstance(executor, ClientExecutor):
            return _DaskCarrier(executor._client)
    return _Carrier()
