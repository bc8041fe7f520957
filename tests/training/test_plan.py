"""Plans: what must not share a stack does not, and what gains by it does."""

from dataclasses import replace

import numpy as np
import pytest

from sknoise.training._cost import stack_bytes, step_seconds
from sknoise.training._plan import plan_stacks
from sknoise.training._sources import find_sources
from sknoise.training._spec import seats, shared_facts, spec_of
from tests.training.tasks import make_task, with_model

MUCH = 2**40


def sizes(plan):
    return sorted(len(stack) for stack in plan)


def widths(tasks, stack):
    return sorted({tasks[i].model.network.sizes[1] for i in stack})


def test_every_task_is_planned_once_and_the_same_way_each_time(rng):
    tasks = [
        make_task(rng, widths=(int(width),), epochs=int(epochs), batch_size=batch, key=i)
        for i, (width, epochs, batch) in enumerate(
            zip(
                rng.integers(5, 500, 150),
                rng.integers(1, 3000, 150),
                rng.choice([8, 16], 150),
                strict=True,
            )
        )
    ]
    plan = plan_stacks(tasks, 64, MUCH)
    assert sorted(i for stack in plan for i in stack) == list(range(150))
    assert plan == plan_stacks(tasks, 64, MUCH)
    for stack in plan:
        assert len(stack) <= 64
        assert len({shared_facts(tasks[i]) for i in stack}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"optimizer": "sgd"},
        {"activation": "tanh"},
        {"n_classes": 3},
        {"widths": (20, 20)},
        {"batch_size": 8},
        {"n_validation": 5},
    ],
    ids=str,
)
def test_what_cannot_share_a_program_is_apart(rng, other):
    tasks = [make_task(rng), make_task(rng, **other)]
    assert sizes(plan_stacks(tasks, 64, MUCH)) == [1, 1]


def test_folds_seeds_noise_rates_and_epochs_share_a_stack(rng):
    tasks = [
        make_task(
            rng,
            n_rows=24 - i % 2,
            batch_size=4,
            key=i,
            noise=0.1 * i,
            learning_rate=0.01 / (i + 1),
            epochs=10 + i,
        )
        for i in range(30)
    ]
    assert sizes(plan_stacks(tasks, 64, MUCH)) == [30]


def test_widths_share_a_stack_only_where_padding_is_cheaper_than_compiling(rng):
    def planned(epochs):
        tasks = [
            make_task(rng, widths=(width,), key=i, epochs=epochs, n_rows=24)
            for width in (50, 100, 500)
            for i in range(20)
        ]
        return sorted(widths(tasks, stack) for stack in plan_stacks(tasks, 64, MUCH))

    assert planned(20) == [[50, 100, 500]]
    assert planned(10**6) == [[50], [100], [500]]


def test_stacks_leave_few_seats_empty(rng):
    task = make_task(rng)
    for n in range(1, 200, 7):
        plan = plan_stacks([task] * n, 64, MUCH)
        taken = sum(seats(len(stack)) for stack in plan)
        assert taken <= max(1.25 * n, n + 2)


def test_memory_bounds_a_stack(rng):
    tasks = [make_task(rng, widths=(300,), n_rows=1000, key=i) for i in range(16)]
    whole = stack_bytes(spec_of(tasks))
    for bound in (whole, whole // 2, whole // 5):
        for stack in plan_stacks(tasks, 64, bound):
            assert stack_bytes(spec_of([tasks[i] for i in stack])) <= bound
    # One network is trained however large.
    assert sizes(plan_stacks(tasks, 64, 1)) == [1] * 16


def test_the_tasks_of_a_stack_have_similar_epochs(rng):
    tasks = [make_task(rng, epochs=int(n)) for n in rng.permutation(np.arange(1, 101))]
    plan = plan_stacks(tasks, 25, MUCH)
    epochs = sorted(sorted(tasks[i].epochs for i in stack) for stack in plan)
    np.testing.assert_array_equal(np.concatenate(epochs), range(1, 101))


def test_the_longest_stack_comes_first(rng):
    short, long = make_task(rng, epochs=10), make_task(rng, epochs=10**5, optimizer="sgd")
    assert plan_stacks([short, long, short], 64, MUCH) == [[1], [0, 2]]


def test_tasks_with_the_same_data_and_key_have_one_source(rng):
    task = make_task(rng)
    copy = replace(task, data=replace(task.data, X=task.data.X.copy()), epochs=3)
    other_key = with_model(task, key=1)
    other_data = make_task(rng)
    other_weight = replace(task, data=replace(task.data, weight=task.data.weight * 2))
    tasks = [task, other_key, copy, other_data, with_model(task, noise=(0.0, 0.0)), other_weight]
    assert find_sources(tasks) == ([0, 1, 3, 5], [0, 1, 0, 2, 0, 3])


def test_costs_grow_with_what_they_are_of(rng):
    small = spec_of([make_task(rng)])
    for larger in (
        spec_of([make_task(rng)] * 2),
        spec_of([make_task(rng, widths=(40,))]),
        spec_of([make_task(rng, n_rows=60)]),
        spec_of([make_task(rng, n_features=9)]),
    ):
        assert step_seconds(larger) > step_seconds(small)
        assert stack_bytes(larger) > stack_bytes(small)
    assert step_seconds(spec_of([make_task(rng, noise=0.0)])) < step_seconds(small)
    # Two networks of one source draw once.
    assert step_seconds(spec_of([make_task(rng)] * 2, 1)) < 2 * step_seconds(small)
