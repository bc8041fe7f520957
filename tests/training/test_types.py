"""What the named types derive from what they hold."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from sknoise.training._types import Model, Network, Optimizer, Rows, Task, never
from tests.training.tasks import make_task


@pytest.mark.parametrize(
    ("loss", "output", "figures"),
    [
        ("binary_crossentropy", "sigmoid", ("loss", "accuracy")),
        ("categorical_crossentropy", "softmax", ("loss", "accuracy")),
        ("poisson", "exponential", ("loss",)),
        ("mean_squared_error", "linear", ("loss",)),
        ("huber", "linear", ("loss",)),
    ],
)
def test_the_loss_tells_output_and_figures(rng, loss, output, figures):
    network = Network((3, 5, 2), "relu", loss)
    assert (network.output, network.figures) == (output, figures)
    task = make_task(rng, n_classes=3, n_validation=4)
    task = replace(task, model=replace(task.model, network=network))
    assert task.figures == (*figures, *(f"val_{name}" for name in figures))
    assert replace(task, validation=None).figures == figures


def test_weights_are_those_of_kerass_dense_layers():
    network = Network((3, 5, 4, 2), "relu", "huber")
    model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(n) for n in (5, 4, 2))])
    assert network.weight_shapes == [w.shape for w in model.get_weights()]
    assert network.n_weights == model.count_params()


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "n_batches"), [(30, 30, 1), (30, 31, 1), (30, 29, 2), (30, 10, 3)]
)
def test_the_last_batch_may_be_smaller(rng, n_rows, batch_size, n_batches):
    assert make_task(rng, n_rows=n_rows, batch_size=batch_size).n_batches == n_batches


@pytest.mark.parametrize("name", ["adam", "Adam", "SGD", "sgd", "Lamb", "lamb", "rmsprop"])
def test_optimizers_are_kerass_by_name(name):
    optimizer = Optimizer(name, '{"weight_decay": 0.25}').build(0.125)
    assert type(optimizer).__name__.lower() == name.lower()
    assert isinstance(optimizer, keras.optimizers.Optimizer)
    assert optimizer.weight_decay == 0.25
    assert float(optimizer.learning_rate) == 0.125


def test_a_schedule_takes_the_place_of_the_learning_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.1)
    text = json.dumps(keras.optimizers.schedules.serialize(schedule))
    optimizer = Optimizer("sgd", schedule=text).build(0.125)
    assert float(optimizer.learning_rate) == 0.5


def test_the_digest_is_of_all_that_rows_hold():
    X, weight = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones(3, dtype=np.float32)
    y, keys = np.zeros(3, dtype=np.int32), np.arange(3, dtype=np.uint64)
    rows = Rows(X, y, weight, keys)
    same = [
        Rows(X.copy(), y.copy(), weight.copy(), keys.copy()),
        Rows(np.asfortranarray(X), y, weight, keys),
    ]
    others = [
        replace(rows, X=X + 1),
        replace(rows, X=X.reshape(2, 3)),
        replace(rows, y=y + 1),
        replace(rows, y=y.view(np.float32)),
        replace(rows, weight=weight * 2),
        replace(rows, keys=keys + 1),
        replace(rows, keys=None),
    ]
    assert {other.digest for other in same} == {rows.digest}
    assert len({rows.digest, *(other.digest for other in others)}) == 1 + len(others)
    assert len(rows) == 3


def test_what_a_model_and_a_task_need_not_say_is_off(rng):
    task = make_task(rng)
    m = task.model
    bare = Model(m.network, m.optimizer, m.learning_rate, m.noise, m.key, m.state)
    assert (bare.feature_scale, bare.penalty, bare.max_norm) == (None, 0.0, np.inf)
    bare = Task(m, task.data, None, task.batch_size, task.shuffle, task.epochs)
    assert (bare.schedule, bare.stopping) == (None, None)


def test_who_is_not_told_to_stop_does_not():
    assert never() is False
