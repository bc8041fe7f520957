"""Sources: who trains on the same data with the same key, by content."""

from dataclasses import replace

import pytest

from sknoise.training._sources import find_sources
from tests.training.tasks import make_task, with_model


def test_tasks_with_the_same_data_and_key_have_one_source(rng):
    task = make_task(rng)
    copy = replace(task, data=replace(task.data, X=task.data.X.copy()), epochs=3)
    other_key = with_model(task, key=1)
    other_data = make_task(rng)
    other_weight = replace(task, data=replace(task.data, weight=task.data.weight * 2))
    tasks = [task, other_key, copy, other_data, with_model(task, noise=(0.0, 0.0)), other_weight]
    assert find_sources(tasks) == ([0, 1, 3, 5], [0, 1, 0, 2, 0, 3])


@pytest.mark.parametrize("name", ["X", "y", "weight"])
def test_validation_data_belongs_to_a_source(rng, name):
    task = make_task(rng, n_validation=9)
    rows = task.validation
    copy, other = (
        replace(task, validation=replace(rows, **{name: values}))
        for values in (getattr(rows, name).copy(), getattr(rows, name)[::-1] * 2)
    )
    without = replace(task, validation=None)
    assert find_sources([task, copy, other, without]) == ([0, 2, 3], [0, 0, 1, 2])


def test_a_task_alone_is_its_own_source(rng):
    assert find_sources([make_task(rng)]) == ([0], [0])
