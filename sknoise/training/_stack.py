"""Train tasks that agree in their shared facts as one stack, in calls of well under a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
import tensorflow as tf

from sknoise.training._cache import program_for
from sknoise.training._cost import COMPILE, step_seconds
from sknoise.training._program import MAX_EPOCHS, Block, Inputs, ProgramState
from sknoise.training._sources import find_sources
from sknoise.training._spec import Spec, shared_facts, spec_of
from sknoise.training._types import HISTORY_KEYS, Network, Progress, Result, Rows, State, Task

# Length that a call is steered to, in seconds: short enough for Ctrl-C and a progress bar.
_CALL_SECONDS = 0.25


def train_stack(tasks: Sequence[Task], progress: Progress | None = None) -> list[Result]:
    """Train networks side by side in one compiled program.

    Parameters
    ----------
    tasks : sequence of Task
        The networks to train. They agree in their ``shared_facts``; noise, learning rate,
        key, data, width and number of epochs are each network's own.
    progress : callable or None, default=None
        Called after each call of the program with the number of epochs done and the last
        epoch's figures, averaged over the stack. What it raises ends the training.

    Returns
    -------
    list of Result
        A network stops early where its loss is no longer finite; its history shows it.

    Raises
    ------
    ValueError
        If the tasks do not agree.
    """
    if len({shared_facts(task) for task in tasks}) != 1:
        raise ValueError("The tasks of a stack must agree in their shared facts.")
    names = HISTORY_KEYS if tasks[0].validation else HISTORY_KEYS[:2]
    states = [task.model.state for task in tasks]
    histories: list[list[np.ndarray]] = [[] for _ in tasks]
    going = list(range(len(tasks)))
    done, at_once = 0, 1
    while going:
        run = _Run([_went_on(tasks[i], states[i], done) for i in going])
        seated = dict(enumerate(going))
        while seated:
            n = min(at_once, min(tasks[i].epochs for i in seated.values()) - done)
            began = time.perf_counter()
            history = run.advance(n)[:, : len(names)]
            seconds = time.perf_counter() - began
            done += n
            for seat, i in seated.items():
                histories[i].append(history[..., seat])
            if progress is not None:
                figures = history[-1][:, list(seated)].mean(axis=-1)
                progress(done, dict(zip(names, figures.tolist(), strict=True)))
            # The first calls compile, and so say too little: never grow more than eightfold.
            fitting = int(n * min(8.0, _CALL_SECONDS / seconds)) if n == at_once else n
            at_once = min(max(fitting, 1), MAX_EPOCHS)
            ended = {
                seat: i
                for seat, i in seated.items()
                if done == tasks[i].epochs or not np.isfinite(history[-1, 0, seat])
            }
            if ended:
                rest = {seat: i for seat, i in seated.items() if seat not in ended}
                all_leave = bool(rest) and run.is_worth_leaving(list(rest))
                leaving = seated if all_leave else ended
                for i, state in zip(leaving.values(), run.states(list(leaving)), strict=True):
                    states[i] = state
                seated = rest
                if all_leave:
                    break
        going = list(seated.values())
    return [
        Result(state, dict(zip(names, np.concatenate(parts).astype(np.float64).T, strict=True)))
        for state, parts in zip(states, histories, strict=True)
    ]


def _went_on(task: Task, state: State, done: int) -> Task:
    """Give what is left of a task after some epochs."""
    return replace(task, model=replace(task.model, state=state), epochs=task.epochs - done)


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
        self._places = [_places(t.model.network, self._spec.network) for t in in_seats]
        self._inputs = _inputs(self._spec, in_seats, sources, [*source, *[0] * empty])
        self._state = self._first_state([task.model.state for task in in_seats])
        self._done = 0

    def advance(self, epochs: int) -> np.ndarray:
        """Train; give the history, of shape (epochs, 4, n_networks)."""
        self._state, history = self._program(self._state, self._inputs, epochs)
        self._done += epochs
        return history

    def states(self, seats: Sequence[int]) -> list[State]:
        """Give the present states of some of the networks."""
        weights = self._state.weights.numpy()
        optimizer = [v.numpy() for v in self._state.optimizer]
        states = []
        for seat in seats:
            places = self._places[seat]
            shapes = self._tasks[seat].model.network.weight_shapes
            ends = np.cumsum([prod(shape) for shape in shapes])[:-1]
            # Copies: a view would keep the arrays of the whole stack alive.
            flat = np.split(weights[seat][places].copy(), ends)
            states.append(
                State(
                    [w.reshape(shape) for w, shape in zip(flat, shapes, strict=True)],
                    [v[seat][places].copy() if v.ndim else v for v in optimizer],
                    self._state.n_epochs,
                    self._state.n_steps,
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
            # Scalars count steps, and so are the same for all networks.
            optimizer = [
                stacked([s.optimizer[k] for s in states], fresh.copy())
                if fresh.ndim
                else states[0].optimizer[k]
                for k, fresh in enumerate(optimizer)
            ]
        return ProgramState(
            tf.constant(stacked(flat, np.zeros(shape, np.float32))),
            [tf.constant(v) for v in optimizer],
            states[0].n_epochs,
            states[0].n_steps,
        )


def _places(network: Network, padded: Network) -> np.ndarray | slice:
    """Give where the weights of a network lie among those of a padded one."""
    if network.sizes == padded.sizes:
        return slice(None)
    places, start = [], 0
    for small, large in zip(network.weight_shapes, padded.weight_shapes, strict=True):
        block = start + np.arange(prod(large)).reshape(large)
        places.append(block[tuple(slice(n) for n in small)].ravel())
        start += prod(large)
    return np.concatenate(places)


def _words(keys: np.ndarray) -> np.ndarray:
    """Split 64-bit numbers into two 32-bit words along a new last axis."""
    shift = np.array([0, 32], dtype=np.uint64)
    return (keys[..., None] >> shift).astype(np.uint32)


def _block(rows: Sequence[Rows], n_rows: int, n_features: int) -> Block:
    """Stack data sets, padded with rows of weight 0 and features of 0."""

    def stacked(arrays: Sequence[np.ndarray], *size: int) -> tf.Tensor:
        if len(arrays) == 1 and arrays[0].shape == (n_rows, *size):
            return tf.constant(arrays[0][None])
        out = np.zeros((len(arrays), n_rows, *size), arrays[0].dtype)
        for place, a in zip(out, arrays, strict=True):
            place[tuple(slice(n) for n in a.shape)] = a
        return tf.constant(out)

    no_keys = np.zeros(0, dtype=np.uint64)
    return Block(
        stacked([r.X for r in rows], n_features),
        stacked([r.y.astype(np.float32) for r in rows]),
        stacked([r.weight for r in rows]),
        stacked([_words(no_keys if r.keys is None else r.keys) for r in rows], 2),
        tf.constant([len(r) for r in rows], tf.int32),
    )


def _inputs(
    spec: Spec, tasks: Sequence[Task], sources: Sequence[Task], source: Sequence[int]
) -> Inputs:
    n_features = spec.network.sizes[0]
    validation = [task.validation for task in sources if task.validation is not None]
    return Inputs(
        data=_block([task.data for task in sources], spec.n_rows, n_features),
        validation=_block(validation, spec.n_validation_rows, n_features) if validation else None,
        n_batches=tf.constant(tasks[0].n_batches, tf.int32),
        keys=tf.constant(_words(np.array([t.model.key for t in sources], dtype=np.uint64))),
        source=tf.constant(source, tf.int32),
        units=tf.constant([task.model.network.sizes[:-1] for task in tasks], tf.int32),
        noise=tf.constant([task.model.noise for task in tasks], tf.float32),
        learning_rate=tf.constant([[task.model.learning_rate] for task in tasks], tf.float32),
    )
