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
    spec_of,
)
from sknoise.training._stack import train_stack
from sknoise.training._types import Noise, Optimizer, Stopping
from tests.training.tasks import make_task, with_model


def test_padding_is_little_and_has_few_sizes():
    sizes = [padded(n) for n in range(1, 10_001)]
    assert all(size >= n for n, size in enumerate(sizes, start=1))
    assert all(size <= 1.25 * n for n, size in enumerate(sizes[8:], start=9))
    assert len(set(sizes)) < 50
    assert padded(23) == padded(24) == 24
    assert padded(30) == 32


@pytest.mark.parametrize(("n_rows", "full"), [(8, True), (16, True), (17, False), (300, False)])
def test_one_step_or_more(rng, n_rows, full):
    spec = spec_of([make_task(rng, n_rows=n_rows, batch_size=16)])
    assert spec.full_batch is full
    assert spec.n_rows % spec.batch_size == 0
    assert spec.n_rows >= n_rows


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
        keras.optimizers.get(name)
    assert reason_against_compiling(Optimizer("Adam")) is None
    assert reason_against_compiling(Optimizer("SGD", '{"momentum": 0.9}')) is None
