"""Parameters that are read before training."""

import numpy as np
import pytest

from sknoise.tasks._noise import noisy_features, schedule_factors
from sknoise.tasks._parameters import layer_widths, per_layer, read_optimizer
from sknoise.training._types import Optimizer


def test_one_value_is_for_all_layers():
    assert layer_widths(5) == (5,)
    assert layer_widths([5, 6]) == (5, 6)
    assert per_layer("dropout", 0.5, 3, "small", "three layers", most=1.0) == (0.5, 0.5, 0.5)
    assert per_layer("noise_hidden", [0, 1], 2, "any", "two layers") == (0.0, 1.0)


def test_optimizers_are_hashable_and_equal_by_content():
    a, b = (
        read_optimizer({"class_name": "SGD", "config": config})
        for config in ({"momentum": 0.9, "nesterov": True}, {"nesterov": True, "momentum": 0.9})
    )
    assert a == b
    assert hash(a) == hash(b)
    assert a.arguments == {"momentum": 0.9, "nesterov": True}
    assert read_optimizer("adam") == Optimizer("adam")


def test_schedules_of_the_noise():
    assert schedule_factors("constant", 4) is None
    np.testing.assert_allclose(schedule_factors("linear", 4), [1, 0.75, 0.5, 0.25])
    half_cosine = [(1 + np.cos(np.pi * f)) / 2 for f in (0, 0.25, 0.5, 0.75)]
    np.testing.assert_allclose(schedule_factors("cosine", 4), half_cosine, rtol=1e-6)
    np.testing.assert_allclose(schedule_factors(lambda f: f**2, 2), [0, 0.25])


@pytest.mark.parametrize("free", [[False, True, False], [1], ["b"], np.array([1])], ids=str)
def test_features_without_noise(free):
    names = np.array(["a", "b", "c"])
    np.testing.assert_array_equal(noisy_features(free, 3, names), [True, False, True])


def test_no_features_without_noise():
    assert noisy_features(None, 3, None) is None
    assert noisy_features([], 3, None).all()


def test_schedules_of_the_learning_rate_are_part_of_the_optimizer():
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(0.1, 50)
    as_dict = {"class_name": "CosineDecay", "config": schedule.get_config()}
    for given in (schedule, as_dict):
        optimizer = read_optimizer("adam", given)
        assert hash(optimizer) == hash(read_optimizer("adam", given))
        built = optimizer.build(None)
        built.build([keras.Variable(0.0)])
        assert float(built.learning_rate) == pytest.approx(0.1)
