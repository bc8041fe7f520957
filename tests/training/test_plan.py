"""Plans: what must not share a stack does not, and what gains by it does."""

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from sknoise.training._cost import COMPILE, stack_bytes, step_seconds
from sknoise.training._plan import _by_shape, _duration, _Group, _joined, plan_stacks
from sknoise.training._sources import find_sources
from sknoise.training._spec import seats, shared_facts, spec_of
from tests.training.tasks import make_task, noise

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


def test_a_group_is_the_stack_of_its_tasks(rng):
    # All in which the tasks of a stack may differ.
    tasks = [
        make_task(
            rng,
            n_rows=20 + 30 * (i % 2),
            n_features=3 + i % 3,
            widths=(4 + 9 * (i % 2), 20 - i % 4),
            n_validation=5 + 20 * (i % 2),
            noise=noise(input=[0.1]) if i % 2 else noise(dropout=[0.1, 0.2]),
            penalty=0.1 * (i == 3),
            max_norm=2.0 if i == 5 else np.inf,
            epochs=10 + i,
            key=i // 2,
        )
        for i in range(10)
    ]
    source = find_sources(tasks)[1]
    groups = _by_shape(tasks, source, list(range(10)))
    assert len(groups) > 5
    costs = [step_seconds(spec_of([tasks[group.numbers[0]]])) for group in groups]
    assert costs == sorted(costs)
    for group in (*groups, reduce(_Group.joined, groups[::-1]), reduce(_Group.joined, groups)):
        members = [tasks[i] for i in group.numbers]
        assert group.numbers == sorted(group.numbers)
        assert group.sources == {source[i] for i in group.numbers}
        # What is padded in each network is known when the stack is gathered.
        whole = spec_of(members, len(group.sources))
        assert group.spec == replace(whole, masked=group.spec.masked)
        assert group.n_steps == sum(task.epochs for task in members)
        steps = np.mean([task.epochs for task in members])
        assert group.seconds == pytest.approx(COMPILE + steps * step_seconds(whole))
    assert reduce(_Group.joined, groups).numbers == list(range(10))


def test_minibatches_are_counted_as_steps(rng):
    tasks = [make_task(rng, batch_size=8, epochs=n) for n in (3, 4)]
    assert [group.n_steps for group in _by_shape(tasks, [0, 1], [0, 1])] == [4 * 7]


def test_tasks_of_one_shape_are_planned_with_all_their_sources(rng):
    tasks = [make_task(rng)] * 5
    (group,) = _by_shape(tasks, [0, 1, 2, 1, 0], list(range(5)))
    assert (group.numbers, group.spec) == (list(range(5)), spec_of(tasks, 3))


@pytest.mark.parametrize("epochs", [20, 3_000, 10_000, 100_000])
def test_joining_never_makes_it_longer(rng, epochs):
    tasks = [make_task(rng, widths=(w,), epochs=epochs) for w in (5, 6, 50, 60, 400, 500, 600)]
    groups = _by_shape(tasks, list(range(7)), list(range(7)))
    joined = _joined(groups)
    assert sorted(i for group in joined for i in group.numbers) == list(range(7))
    # No way of joining all groups but one, or none, or all, is better.
    others = [groups, [reduce(_Group.joined, groups)], [groups[0].joined(groups[1]), *groups[2:]]]
    assert _duration(joined) <= min(map(_duration, others))


def test_the_duration_is_that_of_the_longest_or_of_two_at_a_time(rng):
    (group,) = _by_shape([make_task(rng)], [0], [0])
    long = replace(group, n_steps=10**7)
    a, b = group.seconds, long.seconds
    assert _duration([group, long]) == pytest.approx((b, a + b))
    assert _duration([long] * 3) == pytest.approx((2 * b, 3 * b))


@pytest.mark.parametrize("share", [1, 0.6, 0.3, 0.11])
def test_as_many_networks_share_a_stack_as_memory_allows(rng, share):
    tasks = [make_task(rng, widths=(300,), n_rows=1000, key=i) for i in range(8)]
    bound = int(share * stack_bytes(spec_of(tasks)))
    most = max(n for n in range(1, 9) if n == 1 or stack_bytes(spec_of(tasks[:n])) <= bound)
    plan = plan_stacks(tasks, 64, bound)
    assert len(plan) == -(-8 // most)
    assert max(map(len, plan)) - min(map(len, plan)) <= 1


def test_those_that_share_data_are_neighbours(rng):
    a, b = make_task(rng, n_rows=1000), make_task(rng, n_rows=1000)
    # Two stacks of four for memory's sake.
    plan = plan_stacks([a, b] * 4, 4, MUCH)
    assert sorted(plan) == [[0, 2, 4, 6], [1, 3, 5, 7]]
