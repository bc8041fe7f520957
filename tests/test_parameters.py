"""Parameters that are read before training."""

import sys

import pytest

from sknoise._parameters import layer_widths, noise_levels, read_optimizer, rows_in_a_step
from sknoise.training._types import Optimizer


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(1, 4), (30, 4), (100, 8), (200, 16), (569, 32), (1_797, 128), (10_000, 256), (10**6, 256)],
)
def test_automatic_batch_size_grows_with_the_rows(n_rows, expected):
    assert rows_in_a_step("auto", n_rows) == expected


def test_given_batch_size():
    assert rows_in_a_step(7, 100) == 7
    assert rows_in_a_step(None, 100) == sys.maxsize


def test_one_value_is_for_all_layers():
    assert layer_widths(5) == (5,)
    assert layer_widths([5, 6]) == (5, 6)
    assert noise_levels("noise_hidden", 0.5, 3) == (0.5, 0.5, 0.5)
    assert noise_levels("noise_hidden", [0, 1], 2) == (0.0, 1.0)


def test_optimizers_are_hashable_and_equal_by_content():
    a, b = (
        read_optimizer({"class_name": "SGD", "config": config})
        for config in ({"momentum": 0.9, "nesterov": True}, {"nesterov": True, "momentum": 0.9})
    )
    assert a == b
    assert hash(a) == hash(b)
    assert a.arguments == {"momentum": 0.9, "nesterov": True}
    assert read_optimizer("adam") == Optimizer("adam")
