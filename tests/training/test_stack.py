"""Stacks: what is trained together is what would have been trained alone."""

from dataclasses import replace

import numpy as np
import pytest

from sknoise.noise._sites import KINDS
from sknoise.training import _stack
from sknoise.training._cache import cached_programs, clear_cache, program_for
from sknoise.training._sources import find_sources
from sknoise.training._stack import train_stack
from sknoise.training._types import Stopping
from tests.training.tasks import make_task, noise, with_model


def flat(weights):
    return np.concatenate([w.ravel() for w in weights])


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


def test_steps_are_counted_modulo_32_bits(rng):
    task = make_task(rng, epochs=6)
    late = replace(task.model.state, n_steps=2**32 - 3)
    (whole,) = train_stack([with_model(task, state=late)])
    assert whole.state.n_steps == 2**32 + 3
    (before,) = train_stack([replace(with_model(task, state=late), epochs=3)])
    (after,) = train_stack(
        [replace(with_model(task, state=replace(before.state, n_steps=0)), epochs=3)]
    )
    np.testing.assert_array_equal(flat(after.state.weights), flat(whole.state.weights))


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


def check_alone(tasks, together, atol=1e-5):
    """Check that each member of a stack is what it is alone."""
    for task, member in zip(tasks, together, strict=True):
        (alone,) = train_stack([task])
        assert [w.shape for w in member.state.weights] == task.model.network.weight_shapes
        np.testing.assert_allclose(
            flat(member.state.weights), flat(alone.state.weights), atol=atol
        )
        assert member.history.keys() == alone.history.keys()
        for key, figures in alone.history.items():
            np.testing.assert_allclose(member.history[key], figures, atol=atol)
        assert (member.state.n_epochs, member.state.n_steps) == (
            alone.state.n_epochs,
            alone.state.n_steps,
        )
        for ours, theirs in zip(member.state.optimizer, alone.state.optimizer, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=atol)


# With Ftrl, a weight that stays at 0 is told from one that is held there.
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adagrad", "ftrl", "lion", "nadam"])
def test_members_of_different_width(rng, optimizer):
    tasks = [
        make_task(rng, n_features=f, widths=(a, b), key=i, n_validation=9, optimizer=optimizer)
        for i, (f, a, b) in enumerate([(3, 5, 20), (2, 12, 4)])
    ]
    check_alone(tasks, train_stack(tasks))


@pytest.mark.parametrize("activation", ["sigmoid", "softplus", "elu"])
def test_members_of_different_width_where_silence_is_not_0(rng, activation):
    # These activations give units of the padding an output even without noise.
    tasks = [make_task(rng, widths=(w,), key=w, activation=activation) for w in (3, 9)]
    check_alone(tasks, train_stack(tasks))


@pytest.mark.parametrize("batch_size", [None, 8])
def test_members_that_share_a_source(rng, batch_size):
    folds = [make_task(rng, n_rows=n, batch_size=batch_size, n_validation=6) for n in (30, 28)]
    tasks = [
        with_model(fold, noise=(level, 2 * level), learning_rate=rate)
        for fold in folds
        for level, rate in ((0.0, 0.01), (0.1, 0.01), (0.5, 0.001), (1.0, 0.02))
    ]
    assert find_sources(tasks)[1] == [0] * 4 + [1] * 4
    check_alone(tasks, train_stack(tasks))


def test_members_of_different_length(rng):
    # Not relu: a unit that comes close to its kink may fall on the other side of it.
    tasks = [
        make_task(rng, key=i, epochs=n, n_validation=5, activation="tanh")
        for i, n in enumerate((7, 40, 1, 40))
    ]
    together = train_stack(tasks)
    assert [len(result.history["loss"]) for result in together] == [7, 40, 1, 40]
    check_alone(tasks, together)


@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_who_goes_on_moves_to_a_smaller_stack(rng, optimizer, monkeypatch):
    # As if compiling took no time: each end is worth a move.
    monkeypatch.setattr(_stack, "COMPILE", -1.0)
    clear_cache()
    lengths = (5, 30, 12, 30, 12)
    tasks = [
        make_task(rng, key=i, widths=(4 + i % 2,), epochs=n, optimizer=optimizer, batch_size=8)
        for i, n in enumerate(lengths)
    ]
    together = train_stack(tasks)
    assert [program.spec.n_networks for program in cached_programs()] == [5, 4, 2]
    assert [len(result.history["loss"]) for result in together] == list(lengths)
    check_alone(tasks, together)


def members_with_different_options(rng, distribution="laplace", multiplicative=False, **shared):
    """Make tasks that differ in all in which those of a stack may."""
    scale = np.array([0.5, 0.0, 2.0], dtype=np.float32)
    options = [
        {},
        {"input": [0.3], "hidden": [0.3, 0.2], "feature_scale": scale, "penalty": 0.1},
        {"dropout": [0.3, 0.2], "weights": [0.0, 0.1, 0.1], "max_norm": 1.0},
        # With a bound on norms, the noise of weights that a network has not got would show.
        {
            "gradient": 0.1,
            "n_features": 2,
            "max_norm": 0.7,
            "stopping": Stopping("val_loss", 2, 0.0, True),
        },
        {"target": 0.2, "weights": [0.2], "stopping": Stopping("loss", 1, 0.0, False)},
        {"activation": [0.2, 0.1], "gradient": 0.2, "dropout": [0.2], "falls": True},
    ]
    tasks = []
    for i, option in enumerate(options):
        levels = {kind: option.pop(kind) for kind in KINDS if kind in option}
        epochs = 20 if i < 3 else 25
        schedule = np.linspace(2, 0, epochs, dtype=np.float32) if option.pop("falls", 0) else None
        task = make_task(
            rng,
            noise=noise(distribution, multiplicative, **levels),
            # Not relu: a unit that comes close to its kink may fall on the other side of it.
            activation="tanh",
            widths=(4 + 3 * (i % 3), 9 - i),
            n_validation=9,
            learning_rate=0.03,
            schedule=schedule,
            epochs=epochs,
            **{"key": i, "batch_size": 8, **shared, **option},
        )
        tasks.append(task)
    return tasks


@pytest.mark.parametrize("moves", [False, True])
def test_members_with_different_options(rng, moves, monkeypatch):
    if moves:
        # As if compiling took no time, and looked at after each epoch: each end is worth a move.
        monkeypatch.setattr(_stack, "COMPILE", -1.0)
        monkeypatch.setattr(_stack, "_CALL_SECONDS", 0)
    specs = []
    monkeypatch.setattr(_stack, "program_for", lambda s: specs.append(s) or program_for(s))
    tasks = members_with_different_options(rng, n_classes=3)
    together = train_stack(tasks)
    assert [spec.n_networks for spec in specs] == ([6, 5, 4, 1] if moves else [6])
    lengths = [len(result.history["loss"]) for result in together]
    early = [n < task.epochs for n, task in zip(lengths, tasks, strict=True)]
    assert early == [False, False, False, True, True, False]
    check_alone(tasks, together)


def test_members_with_different_options_that_share_a_source(rng):
    shared = {"n_outputs": 2, "loss": "huber", "batch_size": None}
    tasks = members_with_different_options(rng, "uniform", True, **shared)
    tasks = [
        replace(with_model(tasks[i], key=1), data=tasks[1].data, validation=tasks[1].validation)
        for i in (1, 2, 4, 5)
    ]
    assert find_sources(tasks)[1] == [0] * 4
    check_alone(tasks, train_stack(tasks))


def test_who_has_ended_stops_costing(rng):
    clear_cache()
    tasks = [make_task(rng, key=i, epochs=5) for i in range(7)] + [make_task(rng, epochs=100_000)]
    train_stack(tasks)
    assert [program.spec.n_networks for program in cached_programs()] == [8, 1]


def test_a_diverging_member_leaves_the_others_alone(rng):
    tasks = [
        make_task(rng, optimizer="sgd", learning_rate=rate, key=i)
        for i, rate in enumerate((0.01, 1e30, 0.02))
    ]
    first, diverged, last = train_stack(tasks)
    assert not np.isfinite(diverged.history["loss"][-1])
    assert np.isfinite(flat([*first.state.weights, *last.state.weights])).all()
    check_alone([tasks[0], tasks[2]], [first, last])


@pytest.mark.parametrize(
    "other", [{"optimizer": "sgd"}, {"batch_size": 8}, {"n_classes": 3}], ids=str
)
def test_tasks_must_agree(rng, other):
    with pytest.raises(ValueError, match="must agree"):
        train_stack([make_task(rng), make_task(rng, **other)])


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


def test_run_time_values_of_options_do_not_compile_again(rng):
    clear_cache()
    levels = {"input": [0.1], "dropout": [0.1], "weights": [0.1], "gradient": 0.1, "target": 0.1}
    task = make_task(
        rng,
        n_validation=5,
        epochs=3,
        noise=noise(**levels),
        schedule=np.ones(3, dtype=np.float32),
        feature_scale=np.ones(3, dtype=np.float32),
        penalty=0.1,
        max_norm=1.0,
        stopping=Stopping("loss", 2, 0.0, True),
    )
    others = [
        with_model(task, noise=noise(**levels | {"dropout": [0.4], "target": 0.3})),
        with_model(task, feature_scale=np.zeros(3, dtype=np.float32)),
        with_model(task, penalty=2.0),
        with_model(task, max_norm=3.0),
        replace(task, schedule=np.zeros(30, dtype=np.float32), epochs=30),
        replace(task, stopping=Stopping("val_accuracy", 0, 0.5, False)),
    ]
    for other in (task, *others):
        train_stack([other])
    assert [program.n_traces for program in cached_programs()] == [1]
