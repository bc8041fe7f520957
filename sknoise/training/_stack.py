"""Train tasks that agree in their static facts as one stack, in calls of well under a second."""

from __future__ import annotations

import time
from collections.abc import Sequence

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
            progress(done, _figures(spec, history[-1].mean(axis=-1)))
        if not np.isfinite(history[-1, 0]).any():
            break
        # The first calls compile, and so say too little: never grow more than eightfold.
        fitting = int(n * min(8.0, _CALL_SECONDS / seconds)) if n == at_once else n
        at_once = min(max(fitting, 1), MAX_EPOCHS)
    return _results(spec, tasks, state, np.concatenate(calls))


def _shared_facts(task: Task) -> tuple[object, ...]:
    return (
        task.network,
        task.optimizer,
        task.batch_size,
        task.shuffle,
        task.epochs,
        task.state.n_epochs,
        task.state.n_steps,
        task.validation is None,
        -(-len(task.data) // task.batch_size),
        bool(task.state.optimizer),
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
        stacked([r.y for r in rows]),
        stacked([r.weight for r in rows]),
        stacked([_words(no_keys if r.keys is None else r.keys) for r in rows]),
        tf.constant([len(r) for r in rows], tf.int32),
    )


def _inputs(spec: Spec, tasks: Sequence[Task]) -> Inputs:
    validation = [task.validation for task in tasks if task.validation is not None]
    n_batches = 1 if spec.full_batch else -(-len(tasks[0].data) // spec.batch_size)
    return Inputs(
        data=_block([task.data for task in tasks], spec.n_rows),
        validation=_block(validation, spec.n_validation_rows) if validation else None,
        n_batches=tf.constant(n_batches, tf.int32),
        noise=tf.constant([task.noise for task in tasks], tf.float32),
        learning_rate=tf.constant([[[task.learning_rate]] for task in tasks], tf.float32),
        keys=tf.constant(_words(np.array([task.key for task in tasks], dtype=np.uint64))),
    )


def _initial_state(program: Program, tasks: Sequence[Task]) -> ProgramState:
    states = [task.state for task in tasks]
    weights = [
        np.stack(arrays).reshape(shape)
        for arrays, shape in zip(
            zip(*(s.weights for s in states), strict=True), program.weight_shapes, strict=True
        )
    ]
    optimizer = program.optimizer_values
    if states[0].optimizer:
        # Scalars count steps, and so are the same for all networks.
        optimizer = [
            np.stack(arrays).reshape(fresh.shape) if fresh.ndim else np.asarray(arrays[0])
            for arrays, fresh in zip(
                zip(*(s.optimizer for s in states), strict=True), optimizer, strict=True
            )
        ]
    return ProgramState(
        [tf.constant(w) for w in weights],
        [tf.constant(v) for v in optimizer],
        tf.constant(states[0].n_epochs, tf.int32),
        tf.constant(states[0].n_steps, tf.int32),
    )


def _results(
    spec: Spec, tasks: Sequence[Task], state: ProgramState, history: np.ndarray
) -> list[Result]:
    weights = [w.numpy() for w in state.weights]
    optimizer = [v.numpy() for v in state.optimizer]
    shapes = spec.network.weight_shapes
    results = []
    for m in range(len(tasks)):
        ended = State(
            [w[m].reshape(shape) for w, shape in zip(weights, shapes, strict=True)],
            [v[m] if v.ndim else v for v in optimizer],
            int(state.n_epochs),
            int(state.n_steps),
        )
        results.append(Result(ended, _figures(spec, history[:, :, m].astype(np.float64).T)))
    return results


def _figures(spec: Spec, values: np.ndarray) -> dict[str, np.ndarray]:
    names = HISTORY_KEYS if spec.n_validation_rows else HISTORY_KEYS[:2]
    return dict(zip(names, values[: len(names)], strict=True))
