"""Initial weights against Keras's initializers, and what Keras is asked before training."""

import json
import random

import keras
import numpy as np
import pytest

from sknoise.training._initial import check_keras, initial_state
from sknoise.training._types import Network, Optimizer

NETWORK = Network((30, 40, 40, 40, 2), "relu", "mean_squared_error")


def test_weights_are_spread_as_glorot_and_bengio_have_it():
    state = initial_state(NETWORK, 7)
    assert [w.shape for w in state.weights] == NETWORK.weight_shapes
    assert all(w.dtype == np.float32 for w in state.weights)
    for kernel, bias in zip(state.weights[::2], state.weights[1::2], strict=True):
        np.testing.assert_array_equal(bias, 0)
        bound = np.sqrt(6 / sum(kernel.shape))
        assert 0.9 * bound < np.abs(kernel).max() <= bound
        # Of a uniform draw; the standard error of the variance is sqrt(4 / 45 n) bound^2.
        error = np.sqrt(4 / 45 / kernel.size)
        assert abs(kernel.var() / bound**2 - 1 / 3) < 5 * error
    assert (state.n_epochs, state.n_steps, state.optimizer, state.best) == (0, 0, [], None)


def test_weights_follow_the_key_and_differ_between_layers():
    one, same, other = (initial_state(NETWORK, key).weights for key in (7, 7, 8))
    for kernel, again, another in zip(one[::2], same[::2], other[::2], strict=True):
        np.testing.assert_array_equal(kernel, again)
        assert not np.isin(another, kernel).any()
    assert not np.isin(one[2], one[4]).any()


def test_drawing_weights_leaves_pythons_generator_alone():
    # Keras would draw a seed from it.
    before = random.getstate()
    initial_state(Network((3, 4, 1), "relu", "huber"), 2**63 + 1)
    assert random.getstate() == before


def from_keras(name, key, shape):
    (seed, _) = np.random.SeedSequence(key).generate_state(2)
    initializer = type(keras.initializers.get(name))(seed=int(seed))
    return keras.ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize("name", ["he_normal", "orthogonal", "variance_scaling"])
def test_the_initializer_is_kerass(name):
    network = Network((20, 30), "relu", "mean_squared_error")
    kernel, bias = initial_state(network, 7, name).weights
    np.testing.assert_array_equal(kernel, from_keras(name, 7, (20, 30)))
    np.testing.assert_array_equal(bias, np.zeros(30))


# Seeds of 32 bits are wrapped there, some once and some twice.
@pytest.mark.tensorflow
@pytest.mark.parametrize("key", range(4))
@pytest.mark.parametrize(
    "name", ["glorot_uniform", "he_uniform", "lecun_uniform", "random_uniform"]
)
def test_uniform_weights_are_those_of_keras_on_tensorflow(name, key):
    kernel, _ = initial_state(Network((7, 9), "relu", "huber"), key, name).weights
    np.testing.assert_array_equal(kernel, from_keras(name, key, (7, 9)))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("glorot_uniform", -0.6387810111045837, -0.7698312997817993),
        ("random_uniform", -0.03688003867864609, -0.04444622993469238),
    ],
)
def test_uniform_weights_are_the_same_on_each_backend(name, first, last):
    kernel, _ = initial_state(Network((3, 5), "relu", "huber"), 1, name).weights
    assert (float(kernel[0, 0]), float(kernel[-1, -1])) == (first, last)


SCHEDULE = keras.optimizers.schedules.serialize(
    keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
)


@pytest.mark.parametrize(
    "optimizer",
    [
        Optimizer("adam"),
        Optimizer("SGD", '{"momentum": 0.9}'),
        Optimizer("lamb"),
        Optimizer("adam", schedule=json.dumps(SCHEDULE)),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_what_keras_knows_passes(optimizer):
    check_keras(optimizer)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            Optimizer("adamm"),
            r"^optimizer='adamm' with the arguments \{\} is not known to Keras [\d.]+; see "
            r"keras.optimizers for the names. Keras says: .*adamm",
        ),
        (
            Optimizer("sgd", '{"momentun": 0.9}'),
            r"^optimizer='sgd' with the arguments \{'momentun': 0.9\} is not known to Keras "
            r".* Keras says: .*momentun",
        ),
        (
            Optimizer("sgd", '{"momentum": 2}'),
            r"^optimizer='sgd' with the arguments \{'momentum': 2\} .* Keras says: .*momentum",
        ),
        (
            Optimizer("adam", schedule=json.dumps({"class_name": "NoDecay", "config": {}})),
            r"^learning_rate=\{.*\} is not a schedule that Keras [\d.]+ knows; see "
            r"keras.optimizers.schedules. Your own needs .* Keras says: that is no schedule$",
        ),
        (
            Optimizer("adam", schedule=json.dumps({"class_name": "CosineDecay", "config": {}})),
            r"^learning_rate=\{.*\} is not a schedule .* Keras says: .*CosineDecay",
        ),
        (
            Optimizer("adam", schedule="{}"),
            r"^learning_rate=\{\} is not a schedule .* Keras says: .*config",
        ),
    ],
    ids=["name", "argument", "value", "schedule's name", "its arguments", "nothing"],
)
def test_what_keras_does_not_know_is_an_error_that_says_so(optimizer, message):
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            check_keras(optimizer)
