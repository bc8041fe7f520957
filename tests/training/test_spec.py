"""Static facts: padded sizes, and which optimizers a stack can use."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from sknoise.noise._sites import Site
from sknoise.training._spec import (
    ELEMENTWISE_OPTIMIZERS,
    padded,
    reason_against_compiling,
    seats,
    shared_facts,
    spec_of,
)
from sknoise.training._stack import train_stack
from sknoise.training._types import Noise, Optimizer, Stopping
from tests.training.tasks import make_task, noise, with_model


def test_padding_is_little_and_has_few_sizes():
    sizes = [padded(n) for n in range(1, 10_001)]
    assert all(size >= n for n, size in enumerate(sizes, start=1))
    assert all(size <= 1.25 * n for n, size in enumerate(sizes[8:], start=9))
    assert len(set(sizes)) < 50
    assert padded(23) == padded(24) == 24
    assert padded(30) == 32


def test_sizes_are_four_from_one_power_of_two_to_the_next():
    sizes = sorted({padded(n) for n in range(1, 65)})
    assert sizes == [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]
    assert [seats(n) for n in range(1, 12)] == [1, 2, 3, 4, 5, 6, 7, 8, 10, 10, 12]


def test_draws_are_counted(rng):
    def n_draws(loss="huber", n_outputs=2, **levels):
        # Layers 3-5-4-2, and 30 rows that are padded to 32.
        task = make_task(rng, widths=(5, 4), loss=loss, n_outputs=n_outputs, noise=noise(**levels))
        return spec_of([task]).n_draws

    assert n_draws() == 0
    assert n_draws(input=[0.1]) == 32 * 3
    assert n_draws(hidden=[0.1, 0.0]) == 32 * 5
    assert n_draws(activation=[0.1, 0.1], dropout=[0.0, 0.1]) == 32 * (5 + 4 + 4)
    assert n_draws(weights=[0.0, 0.1, 0.1]) == 5 * 4 + 4 * 2
    assert n_draws(gradient=0.1) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2
    assert n_draws(gradient=0.1, weights=[0.1], input=[0.1]) == 57 - 3 + 15 + 96
    # Numbers take a draw each, labels two: whether to draw anew, and which.
    assert n_draws(target=0.1) == 32 * 2
    assert n_draws("binary_crossentropy", 2, target=0.1) == 32 * 4
    classes = make_task(rng, n_classes=5, noise=noise(target=0.1))
    assert spec_of([classes]).n_draws == 32 * 2


def test_the_spec_of_a_stack(rng):
    tasks = [
        make_task(
            rng,
            n_features=3 + i,
            widths=(5, 6 - i),
            n_rows=20 + 20 * i,
            n_validation=9 * i + 1,
            noise=noise(input=[0.1]) if i else noise(hidden=[0.1]),
        )
        for i in range(2)
    ]
    spec = spec_of(tasks)
    assert spec.network == replace(tasks[0].model.network, sizes=(4, 5, 6, 1))
    assert spec.masked == (True, False, True)
    assert spec.sites == (Site("hidden", 1), Site("input"))
    assert (spec.n_networks, spec.n_sources) == (2, 2)
    assert (spec.n_rows, spec.batch_size, spec.n_validation_rows) == (40, 40, 10)
    assert spec.figures == ("loss", "accuracy", "val_loss", "val_accuracy")
    assert spec.full_batch
    # One step takes all rows, in any order.
    assert not spec.shuffle
    assert spec_of(tasks * 5).n_networks == 10
    assert spec_of(tasks * 5, 3).n_sources == 3
    assert spec_of(tasks, 9).n_sources == 2
    alone = spec_of(tasks[:1])
    assert alone.masked == (False, False, False)
    assert spec_of([replace(tasks[0], validation=None)]).n_validation_rows == 0
    assert spec_of([replace(tasks[0], validation=None)]).figures == ("loss", "accuracy")


def test_rows_are_padded_to_whole_blocks(rng):
    spec = spec_of([make_task(rng, n_rows=70, batch_size=30)])
    assert (spec.n_rows, spec.batch_size, spec.shuffle) == (90, 30, True)
    assert not spec_of([make_task(rng, n_rows=70, batch_size=30, shuffle=False)]).shuffle
    sizes = {
        n: spec_of([make_task(rng, n_validation=n)]).n_validation_rows for n in (4096, 4097, 9000)
    }
    assert sizes == {4096: 4096, 4097: 2 * 4096, 9000: 3 * 4096}


@pytest.mark.parametrize(("n_rows", "full"), [(8, True), (16, True), (17, False), (300, False)])
def test_one_step_or_more(rng, n_rows, full):
    spec = spec_of([make_task(rng, n_rows=n_rows, batch_size=16)])
    assert spec.full_batch is full
    assert spec.n_rows % spec.batch_size == 0
    assert spec.n_rows >= n_rows


@pytest.mark.parametrize(("n_batches", "sizes"), [(1, (30, 40)), (2, (15, 20)), (3, (10, 14))])
def test_tasks_of_several_steps_share_their_size_and_whether_they_shuffle(rng, n_batches, sizes):
    one, larger = (make_task(rng, n_rows=30, batch_size=size) for size in sizes)
    ordered = replace(one, shuffle=False)
    assert one.n_batches == larger.n_batches == n_batches
    facts = {shared_facts(task) for task in (one, larger, ordered)}
    assert len(facts) == (1 if n_batches == 1 else 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("penalty", 0.1),
        ("max_norm", 1.0),
        ("feature_scale", np.ones(3, dtype=np.float32)),
        ("schedule", np.ones(50, dtype=np.float32)),
        ("stopping", Stopping("loss", 1, 0.0, False)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_option_costs_nothing_where_it_is_off(rng, name, value):
    off, on = make_task(rng), make_task(rng, **{name: value})
    without = spec_of([off, off])
    assert without.options == frozenset()
    assert spec_of([off, on]) == replace(without, options=frozenset({name}))


def test_a_site_costs_nothing_where_it_has_no_noise(rng):
    quiet = make_task(rng, noise=0.0)
    assert spec_of([quiet]).sites == ()
    for site in (Site("input"), Site("dropout", 1), Site("weights", 2), Site("gradient")):
        noisy = with_model(quiet, noise=Noise({site: 0.1}))
        assert spec_of([noisy, quiet]) == replace(spec_of([quiet] * 2), sites=(site,))


@pytest.mark.parametrize("name", sorted(ELEMENTWISE_OPTIMIZERS))
def test_a_stack_uses_elementwise_optimizers(rng, name):
    # A member whose gradients are a thousand times as large must not touch the other one.
    small = make_task(rng, optimizer=name, epochs=5)
    large = make_task(rng, optimizer=name, epochs=5, learning_rate=10.0)
    (alone,) = train_stack([small])
    beside, _ = train_stack([small, large])
    for ours, theirs in zip(beside.state.weights, alone.state.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        Optimizer("Lamb"),
        Optimizer("Adafactor"),
        Optimizer("sgd", '{"clipnorm": 1.0}'),
        Optimizer("adam", '{"global_clipnorm": 1.0}'),
        Optimizer("adam", '{"gradient_accumulation_steps": 2}'),
        Optimizer("adam", '{"use_ema": true}'),
    ],
    ids=str,
)
def test_what_couples_elements_is_refused_with_a_reason(optimizer):
    assert "element by element" in reason_against_compiling(optimizer)


def test_every_keras_optimizer_is_known_one_way_or_the_other():
    # A new optimizer in Keras must be looked at before it joins the element-wise ones.
    for name in ELEMENTWISE_OPTIMIZERS:
        optimizer = Optimizer(type(keras.optimizers.get(name)).__name__)
        assert reason_against_compiling(optimizer) is None
    assert reason_against_compiling(Optimizer("Adam")) is None
    assert reason_against_compiling(Optimizer("SGD", '{"momentum": 0.9}')) is None
