"""Train tasks that agree in their shared facts as one stack, in calls of well under a second."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sknoise.training._cache import program_for
from sknoise.training._cost import COMPILE, step_seconds
from sknoise.training._gather import gather_inputs, gather_schedule, places_in, shaped
from sknoise.training._inputs import MAX_EPOCHS, ProgramState, StoppingState
from sknoise.training._leave import call_or_leave
from sknoise.training._sources import find_sources
from sknoise.training._spec import shared_facts, spec_of
from sknoise.training._types import Best, Progress, Result, State, Stop, Task, never

# Length that a call is steered to, in seconds: short enough for Ctrl-C and a progress bar.
_CALL_SECONDS = 0.25


def train_stack(
    tasks: Sequence[Task], progress: Progress | None = None, stop: Stop = never
) -> list[Result]:
    """Train networks side by side in one compiled program.

    Parameters
    ----------
    tasks : sequence of Task
        The networks to train. They agree in their ``shared_facts``; noise, learning rate,
        key, data, width and number of epochs are each network's own.
    progress : callable or None, default=None
        Called after each call of the program with the number of epochs done and the last
        epoch's figures, averaged over the stack. What it raises ends the training.
    stop : callable
        Asked whether to end with the epochs done.

    Returns
    -------
    list of Result
        A network stops early where its loss is no longer finite; its history shows it.

    Raises
    ------
    ValueError
        If the tasks do not agree.
    """
    return [
        replace(result, state=ended(task, result.state, len(result.history["loss"])))
        for task, result in zip(tasks, run_stack(tasks, progress, stop), strict=True)
    ]


def run_stack(
    tasks: Sequence[Task], progress: Progress | None = None, stop: Stop = never
) -> list[Result]:
    """Train as ``train_stack`` does, but leave to the caller what early stopping ends with.

    Parameters
    ----------
    tasks, progress, stop
        As in ``train_stack``.

    Returns
    -------
    list of Result
        The states are the last ones, and hold what early stopping remembers.

    Raises
    ------
    ValueError
        If the tasks do not agree.
    """
    if len({shared_facts(task) for task in tasks}) != 1:
        raise ValueError("The tasks of a stack must agree in their shared facts.")
    names = tasks[0].figures
    states = [task.model.state for task in tasks]
    start = states[0].n_epochs
    histories: list[list[np.ndarray]] = [[] for _ in tasks]
    snapshots: list[list[list[np.ndarray]]] = [[] for _ in tasks]
    going = list(range(len(tasks)))
    done, at_once = 0, 1
    while going:
        run = _Run([_went_on(tasks[i], states[i], done) for i in going])
        seated = dict(enumerate(going))
        while seated:
            n = min(at_once, min(_next_halt(tasks[i], done) for i in seated.values()) - done)
            began = time.perf_counter()
            history = run.advance(n, stop)
            seconds = time.perf_counter() - began
            done += len(history)
            stopped = run.stopped()
            for seat, i in seated.items():
                since = stopped[seat] - (start + done) if seat in stopped else 0
                histories[i].append(history[: len(history) + since, :, seat])
            noted = {s: i for s, i in seated.items() if done in tasks[i].snapshots}
            for i, state in zip(noted.values(), run.states(list(noted)), strict=True):
                snapshots[i].append(state.weights)
            if progress is not None and len(history):
                figures = history[-1][:, list(seated)].mean(axis=-1)
                progress(done, dict(zip(names, figures.tolist(), strict=True)))
            # The first calls compile, and so say too little: never grow more than eightfold.
            fitting = int(n * min(8.0, _CALL_SECONDS / seconds)) if n == at_once else n
            at_once = min(max(fitting, 1), MAX_EPOCHS)
            stops = stop()
            leaving = {
                seat: i
                for seat, i in seated.items()
                if stops
                or done == tasks[i].epochs
                or seat in stopped
                or not np.isfinite(history[-1, 0, seat])
            }
            if leaving:
                rest = {seat: i for seat, i in seated.items() if seat not in leaving}
                all_leave = bool(rest) and run.is_worth_leaving(list(rest))
                leaving = seated if all_leave else leaving
                for i, state in zip(leaving.values(), run.states(list(leaving)), strict=True):
                    states[i] = state
                seated = rest
                if all_leave:
                    break
        going = list(seated.values())
    return [
        Result(
            state,
            dict(zip(names, np.concatenate(parts).astype(np.float64).T, strict=True)),
            of_one,
        )
        for state, parts, of_one in zip(states, histories, snapshots, strict=True)
    ]


def _next_halt(task: Task, done: int) -> int:
    """Give the number of epochs, more than those done, that a call must not go beyond."""
    return min((n for n in task.snapshots if n > done), default=task.epochs)


def _went_on(task: Task, state: State, done: int) -> Task:
    """Give what is left of a task after some epochs."""
    schedule = None if task.schedule is None else task.schedule[done:]
    model = replace(task.model, state=state)
    return replace(task, model=model, epochs=task.epochs - done, schedule=schedule)


def ended(task: Task, state: State, n_epochs: int) -> State:
    """Give the state that a training run ends with: early stopping has the last word.

    Parameters
    ----------
    task : Task
        The whole run.
    state : State
        After its last epoch.
    n_epochs : int
        Number of epochs done.

    Returns
    -------
    State
    """
    if task.stopping is None or state.best is None:
        return state
    weights = state.weights
    if task.stopping.restore:
        weights = shaped(state.best.weights, task.model.network)
    start = task.model.state
    n_steps = start.n_steps + n_epochs * task.n_batches
    # Weights of another epoch than the optimizer's figures: a warm start begins these anew.
    return State(weights, [], start.n_epochs + n_epochs, n_steps)


class _Run:
    """A stack while it trains: one seat for each task, and perhaps some empty ones."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        firsts, source = find_sources(tasks)
        # Few networks to a source would gain less from shared draws than handing them out takes.
        if 2 * len(firsts) > len(tasks):
            firsts = source = list(range(len(tasks)))
        self._spec = spec_of(tasks, len(firsts))
        self._program = program_for(self._spec)
        # Empty seats train a copy of the first task.
        empty = self._spec.n_networks - len(tasks)
        spare = self._spec.n_sources - len(firsts)
        in_seats = [*tasks, *[tasks[0]] * empty]
        sources = [tasks[i] for i in (*firsts, *[0] * spare)]
        self._places = [places_in(t.model.network, self._spec.network) for t in in_seats]
        self._inputs = gather_inputs(self._spec, in_seats, sources, [*source, *[0] * empty])
        self._schedule = gather_schedule(in_seats) if "schedule" in self._spec.options else None
        self._state = self._first_state([task.model.state for task in in_seats])
        self._done = 0

    def advance(self, epochs: int, stop: Stop) -> np.ndarray:
        """Train; give the history, of shape (epochs, n_figures, n_networks).

        Of no epoch where the wait for these was too long for who wants to stop.
        """
        inputs = self._inputs
        if self._schedule is not None:
            coming = self._schedule[:, self._done : self._done + MAX_EPOCHS]
            inputs = inputs._replace(schedule=coming)
        ended = call_or_leave(stop, self._program, self._state, inputs, epochs)
        if ended is None:
            return np.zeros((0, len(self._spec.figures), self._spec.n_networks), np.float32)
        self._state, history = ended
        self._done += len(history)
        return history

    def stopped(self) -> dict[int, int]:
        """Give who has stopped early, with the number of epochs that it had done by then."""
        if self._state.stopping is None:
            return {}
        epochs = self._state.stopping.epochs
        return {seat: int(n) for seat, n in enumerate(epochs) if n}

    def states(self, seats: Sequence[int]) -> list[State]:
        """Give the present states of some of the networks."""
        weights = self._state.weights
        optimizer = self._state.optimizer
        stopping = self._state.stopping
        states = []
        for seat in seats:
            places = self._places[seat]
            own, best = weights[seat], None
            rule = self._tasks[seat].stopping
            if stopping is not None and rule is not None:
                figure, wait, stopped, kept = (a[seat] for a in stopping)
                best = Best(float(figure), int(wait), kept[places].copy())
                # Who has stopped trained on, in vain, to the end of the call.
                if stopped and not rule.restore:
                    own = kept
            # Copies: a view would keep the arrays of the whole stack alive.
            states.append(
                State(
                    shaped(own[places].copy(), self._tasks[seat].model.network),
                    [v[seat][places].copy() if v.ndim else v for v in optimizer],
                    self._state.n_epochs,
                    self._state.n_steps,
                    best,
                )
            )
        return states

    def is_worth_leaving(self, seats: Sequence[int]) -> bool:
        """Say whether the networks that still train should move to a smaller stack."""
        tasks = [self._tasks[seat] for seat in seats]
        smaller = spec_of(tasks, len(find_sources(tasks)[0]))
        left = max(task.epochs for task in tasks) - self._done
        saved = step_seconds(self._spec) - step_seconds(smaller)
        return left * tasks[0].n_batches * saved > COMPILE

    def _first_state(self, states: Sequence[State]) -> ProgramState:
        """Stack the states, padded."""

        def stacked(flat: Sequence[np.ndarray], start: np.ndarray) -> np.ndarray:
            for row, places, values in zip(start, self._places, flat, strict=True):
                row[places] = values
            return start

        shape = (self._spec.n_networks, self._spec.network.n_weights)
        flat = [np.concatenate([w.ravel() for w in s.weights]) for s in states]
        optimizer = self._program.fresh_optimizer
        if states[0].optimizer:
            # Scalars count steps, and so are the same for all networks; backends count them in
            # integers of different length.
            optimizer = [
                stacked([s.optimizer[k] for s in states], fresh.copy())
                if fresh.ndim
                else np.asarray(states[0].optimizer[k], fresh.dtype)
                for k, fresh in enumerate(optimizer)
            ]
        weights = stacked(flat, np.zeros(shape, np.float32))
        return ProgramState(
            weights,
            optimizer,
            self._first_stopping(states, weights),
            states[0].n_epochs,
            states[0].n_steps,
        )

    def _first_stopping(
        self, states: Sequence[State], weights: np.ndarray
    ) -> StoppingState | None:
        if "stopping" not in self._spec.options:
            return None
        # Who does not stop early has nothing to remember, but its place.
        nothing = Best(math.inf, 0, np.zeros(0, dtype=np.float32))
        best = [nothing if state.best is None else state.best for state in states]
        kept = weights.copy()
        for row, places, b in zip(kept, self._places, best, strict=True):
            if len(b.weights):
                row[places] = b.weights
        return StoppingState(
            np.array([b.figure for b in best], np.float32),
            np.array([b.wait for b in best], np.int32),
            np.zeros(len(best), np.int32),
            kept,
        )
