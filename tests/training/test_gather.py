"""Arrays of a stack against the tasks that they are gathered from."""

import math

import numpy as np
import pytest

from sknoise.noise._sites import Site
from sknoise.training._epochs import MAX_EPOCHS
from sknoise.training._gather import (
    gather_inputs,
    gather_schedule,
    places_in,
    shaped,
)
from sknoise.training._spec import OPTIONS, spec_of
from sknoise.training._types import Network, Stopping
from tests.training.tasks import make_task, noise


def flat(weights):
    return np.concatenate([w.ravel() for w in weights])


def test_weights_lie_in_the_corners_of_the_padded_ones(rng):
    small, large = (Network(sizes, "relu", "huber") for sizes in ((2, 5, 3, 1), (4, 5, 7, 1)))
    weights = [rng.normal(size=shape) for shape in small.weight_shapes]
    padded = np.zeros(large.n_weights)
    padded[places_in(small, large)] = flat(weights)
    for ours, theirs in zip(weights, shaped(padded, large), strict=True):
        corner = tuple(slice(n) for n in ours.shape)
        np.testing.assert_array_equal(theirs[corner], ours)
        assert np.count_nonzero(theirs) == ours.size
    np.testing.assert_array_equal(padded[places_in(small, large)], flat(weights))
    assert places_in(small, small) == slice(None)
    assert [w.shape for w in shaped(padded, large)] == large.weight_shapes


SCALE = np.array([0.5, 2.0], dtype=np.float32)


@pytest.fixture
def tasks(rng):
    """Two tasks that differ in all in which those of a stack may."""
    first = make_task(
        rng,
        n_features=2,
        n_rows=9,
        widths=(4,),
        noise=noise(input=[0.1]),
        n_validation=3,
        learning_rate=0.5,
        batch_size=4,
        key=2**63 + 7,
        feature_scale=SCALE,
        epochs=5,
        schedule=np.arange(5, dtype=np.float32),
    )
    second = make_task(
        rng,
        n_features=3,
        n_rows=11,
        widths=(6,),
        noise=noise(hidden=[0.2], input=[0.3]),
        n_validation=9,
        learning_rate=0.25,
        batch_size=4,
        key=5,
        penalty=0.75,
        max_norm=3.0,
        epochs=7,
        stopping=Stopping("val_accuracy", 3, 0.125, True),
    )
    return first, second


def test_the_inputs_of_a_stack(tasks):
    spec = spec_of(tasks)
    inputs = gather_inputs(spec, tasks, tasks, [0, 1])
    for block, parts in (
        (inputs.data, [task.data for task in tasks]),
        (inputs.validation, [task.validation for task in tasks]),
    ):
        n_rows = spec.n_rows if block is inputs.data else spec.n_validation_rows
        assert block.n_rows.tolist() == [len(rows) for rows in parts]
        assert block.X.shape == (2, n_rows, 3)
        for i, rows in enumerate(parts):
            n = len(rows)
            np.testing.assert_array_equal(block.X[i, :n, : rows.X.shape[1]], rows.X)
            np.testing.assert_array_equal(block.y[i, :n, 0], rows.y)
            np.testing.assert_array_equal(block.weight[i, :n], rows.weight)
            assert np.count_nonzero(block.X[i]) == rows.X.size
            assert not block.weight[i, n:].any()
            if rows.keys is not None:
                words = block.keys[i, :n].astype(np.uint64)
                np.testing.assert_array_equal(words @ [1, 2**32], rows.keys)
    assert inputs.n_batches == 3
    assert inputs.keys.tolist() == [[7, 2**31], [5, 0]]
    assert inputs.source.tolist() == [0, 1]
    assert inputs.units.tolist() == [[2, 4], [3, 6]]
    assert spec.sites == (Site("hidden", 1), Site("input"))
    np.testing.assert_allclose(inputs.noise, [[0, 0.1], [0.2, 0.3]])
    assert inputs.learning_rate.tolist() == [[0.5], [0.25]]
    assert inputs.schedule is None
    assert inputs.feature_scale.tolist() == [[0.5, 2, 1], [1, 1, 1]]
    assert inputs.penalty.tolist() == [0, 0.75]
    assert inputs.max_norm.tolist() == [math.inf, 3]
    rule = inputs.stopping
    assert rule.monitor.tolist() == [0, tasks[0].figures.index("val_accuracy")]
    assert rule.sign.tolist() == [1, -1]
    assert rule.patience.tolist() == [2**31 - 1, 3]
    assert rule.min_delta.tolist() == [0, 0.125]
    assert rule.restore.tolist() == [False, True]
    assert {a.dtype.name for a in (*inputs.data[:3], inputs.noise, inputs.penalty)} == {"float32"}
    assert {a.dtype.name for a in (inputs.source, inputs.units, rule.patience)} == {"int32"}


def test_sources_are_those_given(tasks):
    first, second = tasks
    inputs = gather_inputs(spec_of([first, first, first, first], 1), [first] * 4, [first], [0] * 4)
    assert inputs.keys.shape == (1, 2)
    assert inputs.data.X.shape[0] == inputs.validation.X.shape[0] == 1
    assert inputs.noise.shape[0] == inputs.units.shape[0] == 4
    both = gather_inputs(spec_of(tasks), [second, first], [first, second], [1, 0])
    assert both.source.tolist() == [1, 0]
    assert both.keys[0].tolist() == [7, 2**31]
    assert both.learning_rate.tolist() == [[0.25], [0.5]]


def test_what_no_network_needs_is_left_out(rng):
    task = make_task(rng)
    inputs = gather_inputs(spec_of([task]), [task], [task], [0])
    assert inputs.validation is None
    assert {name for name in OPTIONS if getattr(inputs, name) is not None} == set()


@pytest.mark.parametrize(("loss", "n_outputs"), [("huber", 2), ("huber", 1)])
def test_targets_that_are_numbers_keep_their_shape(rng, loss, n_outputs):
    task = make_task(rng, loss=loss, n_outputs=n_outputs, n_rows=8)
    inputs = gather_inputs(spec_of([task]), [task], [task], [0])
    np.testing.assert_array_equal(inputs.data.y[0], task.data.y)
    several = make_task(rng, n_classes=3, n_rows=8)
    inputs = gather_inputs(spec_of([several]), [several], [several], [0])
    np.testing.assert_array_equal(inputs.data.y[0], several.data.y)


def test_the_schedule_lasts_for_the_longest_and_a_call_more(tasks):
    table = gather_schedule(tasks)
    assert table.shape == (2, 7 + MAX_EPOCHS)
    assert table.dtype == np.float32
    assert table[0, :6].tolist() == [0, 1, 2, 3, 4, 1]
    assert (table[1] == 1).all()
    assert (table[0, 5:] == 1).all()
