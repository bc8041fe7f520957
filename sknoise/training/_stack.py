"""Train tasks that agree in their static facts as one stack, in calls of well under a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import prod

import numpy as np
import tensorflow as tf

from sknoise.training._cache import program_for
from sknoise.training._program import MAX_EPOCHS, Block, Inputs, Program, ProgramState
from sknoise.training._spec import Spec, spec_of
from sknoise.training._types import HISTORY_KEYS, Progress, Result, Rows, State, Task

# Length that a call is steered to, in seconds: short enough for Ctrl-C and a progress bar.
_CALL_SECONDS = 0.25


def train_stack(tasks: Sequence[Task], progress: Progress | None = None) -> list[Result]:
    """Train networks side by side in one compiled program.

    Parameters
    ----------
    tasks : sequence of Task
        The networks to train. They agree in the network, the optimizer, the batch size,
        shuffling and the number of epochs, and have done equally many steps.
    progress : callable or None, default=None
        Called after each call of the program with the number of epochs done and the last
        epoch's figures, averaged over the stack.

    Returns
    -------
    list of Result
        Training stops early where the loss of every network is no longer finite; the
        history then shows it.

    Raises
    ------
    ValueError
        If the tasks do not agree.
    """
    if len({_shared_facts(task) for task in tasks}) != 1:
        raise ValueError("The tasks of a stack must agree in all but data, noise, rate and key.")
    spec = spec_of(tasks)
    program = program_for(spec)
    inputs = _inputs(spec, tasks)
    state = _initial_state(program, tasks)
    names = HISTORY_KEYS if spec.n_validation_rows else HISTORY_KEYS[:2]
    epochs, done, calls = tasks[0].epochs, 0, []
    at_once = 1
    while done < epochs:
        n = min(at_once, epochs - done)
        began = time.perf_counter()
        state, history = program(state, inputs, n)
        seconds = time.perf_counter() - began
        calls.append(history)
        done += n
        if progress is not None:
            progress(done, dict(zip(names, history[-1].mean(axis=-1).tolist(), strict=False)))
        if not np.isfinite(history[-1, 0]).any():
            break
        # The first calls compile, and so say too little: never grow more than eightfold.
        fitting = int(n * min(8.0, _CALL_SECONDS / seconds)) if n == at_once else n
        at_once = min(max(fitting, 1), MAX_EPOCHS)
    return _results(spec, names, state, np.concatenate(calls))


def _shared_facts(task: Task) -> tuple[object, ...]:
    return (
        task.model.network,
        task.model.optimizer,
        task.model.state.n_epochs,
        task.model.state.n_steps,
        bool(task.model.state.optimizer),
        task.validation is None,
        task.batch_size,
        task.n_batches,
        task.shuffle,
        task.epochs,
    )


def _words(keys: np.ndarray) -> np.ndarray:
    """Split 64-bit numbers into two 32-bit words along a new last axis."""
    shift = np.array([0, 32], dtype=np.uint64)
    return (keys[..., None] >> shift).astype(np.uint32)


def _block(rows: Sequence[Rows], n_rows: int) -> Block:
    """Stack data sets, padded with rows of weight 0 to n_rows."""

    def stacked(arrays: Sequence[np.ndarray]) -> tf.Tensor:
        if len(arrays) == 1 and len(arrays[0]) == n_rows:
            return tf.constant(arrays[0][None])
        out = np.zeros((len(arrays), n_rows, *arrays[0].shape[1:]), arrays[0].dtype)
        for place, a in zip(out, arrays, strict=True):
            place[: len(a)] = a
        return tf.constant(out)

    no_keys = np.zeros(0, dtype=np.uint64)
    return Block(
        stacked([r.X for r in rows]),
        stacked([r.y.astype(np.float32) for r in rows]),
        stacked([r.weight for r in rows]),
        stacked([_words(no_keys if r.keys is None else r.keys) for r in rows]),
        tf.constant([len(r) for r in rows], tf.int32),
    )


def _inputs(spec: Spec, tasks: Sequence[Task]) -> Inputs:
    validation = [task.validation for task in tasks if task.validation is not None]
    return Inputs(
        data=_block([task.data for task in tasks], spec.n_rows),
        validation=_block(validation, spec.n_validation_rows) if validation else None,
        n_batches=tf.constant(tasks[0].n_batches, tf.int32),
        noise=tf.constant([task.model.noise for task in tasks], tf.float32),
        learning_rate=tf.constant([[task.model.learning_rate] for task in tasks], tf.float32),
        keys=tf.constant(_words(np.array([task.model.key for task in tasks], dtype=np.uint64))),
    )


def _initial_state(program: Program, tasks: Sequence[Task]) -> ProgramState:
    states = [task.model.state for task in tasks]
    weights = np.stack([np.concatenate([w.ravel() for w in s.weights]) for s in states])
    optimizer = program.fresh_optimizer
    if states[0].optimizer:
        # Scalars count steps, and so are the same for all networks.
        optimizer = [
            np.stack(arrays) if arrays[0].ndim else arrays[0]
            for arrays in zip(*(s.optimizer for s in states), strict=True)
        ]
    return ProgramState(
        tf.constant(weights),
        [tf.constant(v) for v in optimizer],
        states[0].n_epochs,
        states[0].n_steps,
    )


def _results(
    spec: Spec, names: Sequence[str], state: ProgramState, history: np.ndarray
) -> list[Result]:
    optimizer = [v.numpy() for v in state.optimizer]
    shapes = spec.network.weight_shapes
    ends = np.cumsum([prod(shape) for shape in shapes])[:-1]
    results = []
    for m, weights in enumerate(state.weights.numpy()):
        ended = State(
            [w.reshape(s) for w, s in zip(np.split(weights, ends), shapes, strict=True)],
            [v[m] if v.ndim else v for v in optimizer],
            state.n_epochs,
            state.n_steps,
        )
        figures = history[:, : len(names), m].astype(np.float64)
        results.append(Result(ended, dict(zip(names, figures.T, strict=True))))
    return results
