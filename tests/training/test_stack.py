"""Stacks: what is trained together is what would have been trained alone."""

from dataclasses import replace

import numpy as np
import pytest

from sknoise.training import _stack
from sknoise.training._cache import cached_programs, clear_cache
from sknoise.training._stack import train_stack
from tests.training.tasks import make_task


def flat(weights):
    return np.concatenate([w.ravel() for w in weights])


def with_model(task, **changes):
    return replace(task, model=replace(task.model, **changes))


@pytest.mark.parametrize("batch_size", [None, 8])
def test_members_are_what_they_are_alone(rng, batch_size):
    tasks = [
        with_model(
            make_task(rng, n_rows=n, batch_size=batch_size, key=key, n_validation=10),
            learning_rate=rate,
        )
        for n, key, rate in ((30, 1, 0.01), (28, 2, 0.001), (26, 3, 0.02))
    ]
    together = train_stack(tasks)
    for task, member in zip(tasks, together, strict=True):
        (alone,) = train_stack([task])
        np.testing.assert_allclose(
            flat(member.state.weights), flat(alone.state.weights), atol=1e-5
        )
        for key, figures in alone.history.items():
            np.testing.assert_allclose(member.history[key], figures, atol=1e-5)


def test_a_member_without_noise_beside_noisy_ones(rng):
    task = make_task(rng)
    quiet = with_model(task, noise=(0.0, 0.0))
    together = train_stack([task, quiet])
    (alone,) = train_stack([quiet])
    np.testing.assert_allclose(
        flat(together[1].state.weights), flat(alone.state.weights), atol=1e-5
    )


def test_going_on_is_as_never_having_stopped(rng):
    for batch_size in (None, 8):
        task = make_task(rng, batch_size=batch_size, epochs=20)
        (whole,) = train_stack([task])
        (first,) = train_stack([replace(task, epochs=7)])
        (second,) = train_stack([replace(with_model(task, state=first.state), epochs=13)])
        np.testing.assert_array_equal(flat(second.state.weights), flat(whole.state.weights))
        assert second.state.n_epochs == 20
        assert second.state.n_steps == whole.state.n_steps == 20 * task.n_batches


def test_the_length_of_calls_changes_no_bit(rng, monkeypatch):
    task = make_task(rng, epochs=40)
    (long,) = train_stack([task])
    # Calls of one epoch each.
    monkeypatch.setattr(_stack, "_CALL_SECONDS", 0)
    reports = []
    (short,) = train_stack([task], lambda done, figures: reports.append((done, figures)))
    np.testing.assert_array_equal(flat(short.state.weights), flat(long.state.weights))
    np.testing.assert_array_equal(short.history["loss"], long.history["loss"])
    assert [done for done, _ in reports] == list(range(1, 41))
    np.testing.assert_allclose([f["loss"] for _, f in reports], long.history["loss"])


def test_tasks_must_agree(rng):
    task = make_task(rng)
    with pytest.raises(ValueError, match="must agree"):
        train_stack([task, replace(task, epochs=task.epochs + 1)])


def test_a_diverging_task_stops_early(rng):
    task = make_task(rng, optimizer="sgd", learning_rate=1e30, epochs=100_000)
    (result,) = train_stack([task])
    assert not np.isfinite(result.history["loss"][-1])
    assert len(result.history["loss"]) < 100_000


def test_run_time_values_do_not_compile_again(rng):
    clear_cache()
    task = make_task(rng, epochs=3)
    others = [
        with_model(task, noise=(0.1, 2.0)),
        with_model(task, learning_rate=0.5),
        with_model(task, key=3),
        replace(task, epochs=30),
        make_task(rng, n_rows=29),
    ]
    for other in (task, *others):
        train_stack([other])
    assert sum(program.n_traces for program in cached_programs()) == 1
    train_stack([with_model(task, noise=(0.0, 0.1))])
    assert sum(program.n_traces for program in cached_programs()) == 2
