"""The estimates of time and memory against a network whose parts are counted by hand."""

from dataclasses import replace

import pytest

from sknoise.training import _cost
from sknoise.training._cost import stack_bytes, step_seconds
from sknoise.training._spec import spec_of
from tests.training.tasks import make_task, noise


@pytest.fixture
def spec(rng):
    """Three networks 3-20-5-1 with noise on the input, and the widest layer; 30 rows."""
    task = make_task(rng, widths=(20, 5), noise=noise(input=[0.1], hidden=[0.1]), n_validation=8)
    return spec_of([task] * 3, 2)


# Both numbers of rows are padded.
ROWS, VALIDATION = 32, 8
PRODUCTS = 3 * 20 + 20 * 5 + 5 * 1
UNITS = 3 + 20 + 5 + 1
WEIGHTS = PRODUCTS + 20 + 5 + 1
DRAWS = ROWS * (3 + 20)


@pytest.mark.parametrize(
    ("constant", "count"),
    [
        ("_STEP", 1),
        ("_NETWORK", 3),
        ("_DRAW", 2 * DRAWS),
        ("_MULTIPLY_ADD", 3 * ROWS * PRODUCTS),
        ("_UNIT", 3 * ROWS * UNITS),
        ("_WEIGHT", 3 * WEIGHTS),
    ],
)
def test_a_step_costs_each_of_its_parts(spec, monkeypatch, constant, count):
    before = step_seconds(spec)
    monkeypatch.setattr(_cost, constant, getattr(_cost, constant) + 1)
    assert step_seconds(spec) - before == pytest.approx(count)


def test_the_parts_are_all_that_a_step_costs(spec, monkeypatch):
    for constant in ("_STEP", "_NETWORK", "_DRAW", "_MULTIPLY_ADD", "_UNIT", "_WEIGHT"):
        monkeypatch.setattr(_cost, constant, 0.0)
    assert step_seconds(spec) == 0


def test_each_part_takes_nanoseconds_to_microseconds():
    # As timed by benchmarks/speed/stacks.py: a slip in an exponent would plan nonsense.
    assert 1e-7 < _cost._NETWORK < _cost._STEP < 1e-4
    assert 1e-12 < _cost._MULTIPLY_ADD < _cost._UNIT < _cost._WEIGHT < _cost._DRAW < 1e-7
    assert 0.1 < _cost.COMPILE < 3


def test_memory_is_that_of_the_arrays_in_words_of_four_bytes(spec):
    # A weight, its gradient and Adam's two figures, before and after a step; a unit's noise,
    # sum, activation and gradient; a row's features, label, weight and key of two words.
    network = 8 * WEIGHTS + 4 * ROWS * UNITS
    source = DRAWS + (ROWS + VALIDATION) * (3 + 4)
    assert stack_bytes(spec) == 4 * (3 * network + 2 * source)
    # Where validation passes more rows at a time, their sums and activations are what counts.
    large = replace(spec, n_validation_rows=10_000)
    network = 8 * WEIGHTS + 2 * 4096 * UNITS
    source = DRAWS + (ROWS + 10_000) * (3 + 4)
    assert stack_bytes(large) == 4 * (3 * network + 2 * source)
