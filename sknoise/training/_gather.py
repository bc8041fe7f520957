"""Tasks gathered into the arrays that a program takes, and arrays taken apart again."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from sknoise.training._inputs import MAX_EPOCHS, Block, Inputs, StoppingRule
from sknoise.training._spec import OPTIONS, Spec
from sknoise.training._types import Network, Rows, Stopping, Task


def shaped(flat: np.ndarray, network: Network) -> list[np.ndarray]:
    """Split weights, kernels and biases one after the other, into those of the layers."""
    shapes = network.weight_shapes
    parts = np.split(flat, np.cumsum([prod(shape) for shape in shapes])[:-1])
    return [w.reshape(shape) for w, shape in zip(parts, shapes, strict=True)]


def places_in(network: Network, padded: Network) -> np.ndarray | slice:
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


def _block(rows: Sequence[Rows], n_rows: int, spec: Spec) -> Block:
    """Stack data sets, padded with rows of weight 0 and features of 0."""

    def stacked(arrays: Sequence[np.ndarray], *size: int) -> np.ndarray:
        if len(arrays) == 1 and arrays[0].shape == (n_rows, *size):
            return arrays[0][None]
        out = np.zeros((len(arrays), n_rows, *size), arrays[0].dtype)
        for place, a in zip(out, arrays, strict=True):
            place[tuple(slice(n) for n in a.shape)] = a
        return out

    targets = [r.y.astype(np.float32) for r in rows]
    if spec.network.loss == "binary_crossentropy":
        targets = [y.reshape(len(y), -1) for y in targets]
    no_keys = np.zeros(0, dtype=np.uint64)
    return Block(
        stacked([r.X for r in rows], spec.network.sizes[0]),
        stacked(targets, *targets[0].shape[1:]),
        stacked([r.weight for r in rows]),
        stacked([_words(no_keys if r.keys is None else r.keys) for r in rows], 2),
        np.array([len(r) for r in rows], np.int32),
    )


def gather_inputs(
    spec: Spec, tasks: Sequence[Task], sources: Sequence[Task], source: Sequence[int]
) -> Inputs:
    """Gather what a call takes.

    Parameters
    ----------
    spec : Spec
    tasks : sequence of Task
        One for each seat of the stack.
    sources : sequence of Task
        One for each source.
    source : sequence of int
        Number of each task's source.

    Returns
    -------
    Inputs
        Without the schedule, which is another for each call.
    """
    models = [task.model for task in tasks]
    validation = [task.validation for task in sources if task.validation is not None]
    noise = [[model.noise.levels.get(site, 0.0) for site in spec.sites] for model in models]
    inputs = Inputs(
        data=_block([task.data for task in sources], spec.n_rows, spec),
        validation=_block(validation, spec.n_validation_rows, spec) if validation else None,
        n_batches=np.int32(tasks[0].n_batches),
        keys=_words(np.array([t.model.key for t in sources], dtype=np.uint64)),
        source=np.array(source, np.int32),
        units=np.array([model.network.sizes[:-1] for model in models], np.int32),
        noise=np.array(noise, np.float32),
        learning_rate=np.array([[model.learning_rate] for model in models], np.float32),
        schedule=None,
        feature_scale=_feature_scale(tasks, spec.network.sizes[0]),
        penalty=np.array([model.penalty for model in models], np.float32),
        max_norm=np.array([model.max_norm for model in models], np.float32),
        stopping=_stopping_rule(tasks),
    )
    unused: dict[str, Any] = dict.fromkeys(OPTIONS - spec.options)
    return inputs._replace(**unused)


def gather_schedule(tasks: Sequence[Task]) -> np.ndarray:
    """Give what multiplies the noise of each network in each epoch, and in some more."""
    table = np.ones((len(tasks), max(t.epochs for t in tasks) + MAX_EPOCHS), dtype=np.float32)
    for row, task in zip(table, tasks, strict=True):
        if task.schedule is not None:
            row[: task.epochs] = task.schedule
    return table


def _feature_scale(tasks: Sequence[Task], n_features: int) -> np.ndarray:
    table = np.ones((len(tasks), n_features), dtype=np.float32)
    for row, task in zip(table, tasks, strict=True):
        scale = task.model.feature_scale
        if scale is not None:
            row[: len(scale)] = scale
    return table


def _stopping_rule(tasks: Sequence[Task]) -> StoppingRule:
    # Who does not stop early never loses patience.
    never = Stopping(tasks[0].figures[0], np.iinfo(np.int32).max, 0.0, restore=False)
    rules = [task.stopping or never for task in tasks]
    return StoppingRule(
        np.array([tasks[0].figures.index(rule.monitor) for rule in rules], np.int32),
        np.array(
            [-1.0 if rule.monitor.endswith("accuracy") else 1.0 for rule in rules], np.float32
        ),
        np.array([rule.patience for rule in rules], np.int32),
        np.array([rule.min_delta for rule in rules], np.float32),
        np.array([rule.restore for rule in rules]),
    )
