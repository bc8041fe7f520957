"""What a backend offers: a compiled function, and an optimizer's steps in a program."""

import gc

import keras
import numpy as np
import psutil
import pytest
from keras import ops

from sknoise.training._backends import backend, check_backend, reason_against_backend
from sknoise.training._program import Program
from sknoise.training._stack import train_stack
from tests.training.tasks import make_task


def test_a_compiled_function_gives_what_the_function_gives():
    def function(pair, nothing, n):
        _, doubled = ops.while_loop(
            lambda i, _: i < n, lambda i, a: (i + 1, 2 * a), (np.int32(0), pair[1])
        )
        return {"b": doubled, "a": (ops.sum(pair[0]), nothing)}

    arguments = ((np.float32([1, 2]), np.float32([[3]])), None, np.int32(3))
    compiled = backend().Compiled(function, arguments)
    for _ in range(2):
        total, doubled = compiled(arguments)
        np.testing.assert_array_equal(total, 3)
        np.testing.assert_array_equal(doubled, [[24]])
    assert isinstance(total, np.generic | np.ndarray)


@pytest.mark.tensorflow
def test_a_compiled_function_has_its_own_variables():
    import tensorflow as tf

    total = tf.Variable(2.0)
    compiled = backend().Compiled(lambda a: total.assign_add(a), (np.float32(3),))
    assert [compiled((np.float32(3),))[0] for _ in range(2)] == [5, 8]
    assert total.numpy() == 2


@pytest.mark.parametrize("dtype", ["float32", "uint32"])
def test_a_function_traced_once_gives_the_same_for_all_lengths(dtype):
    traced = []

    def function(a, b):
        traced.append(None)
        return a * b + np.asarray(2, dtype)

    for shapes in [((3, 1), (4,)), ((1, 1), (7,)), ((5, 6), ())]:
        pair = tuple(np.full(shape, 3, dtype) for shape in shapes)
        compiled = backend().Compiled(backend().once(function), pair)
        np.testing.assert_array_equal(compiled(pair)[0], np.full(np.broadcast_shapes(*shapes), 11))
    # By TensorFlow once for a vector, and once for a scalar; JAX cannot.
    assert len(traced) == {"tensorflow": 2, "jax": 3}[keras.backend.backend()]


def test_rows_are_taken():
    a, index = np.float32([[1, 2], [3, 4]]), np.int32([[1, 0, 1]])
    compiled = backend().Compiled(backend().take, (a, index))
    np.testing.assert_array_equal(compiled((a, index))[0], a[index])


def test_another_shape_is_an_error():
    compiled = backend().Compiled(lambda a: a + 1, (np.float32([1, 2]),))
    with pytest.raises((ValueError, TypeError), match=r"shape|float32"):
        compiled((np.float32([1, 2, 3]),))


def test_steps_are_kerass(rng):
    start, gradients = rng.normal(size=(2, 3)), rng.normal(size=(3, 2, 3))
    theirs = keras.Variable(start, dtype="float32")
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([theirs])
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient, "float32")], [theirs])

    stepper = backend().Stepper(keras.optimizers.Adam(0.1), (2, 3))

    def function(weights, optimizer, gradients):
        held = stepper.begin(weights, optimizer)
        for k in range(3):
            held = stepper.step(held, gradients[k])
        set_by_hand = stepper.with_weights(held, 2 * stepper.weights(held))
        return *stepper.end(set_by_hand), stepper.weights(set_by_hand)

    arguments = (np.float32(start), stepper.fresh, np.float32(gradients))
    weights, *variables, again = backend().Compiled(function, arguments)(arguments)
    np.testing.assert_allclose(weights, 2 * ops.convert_to_numpy(theirs), rtol=1e-5)
    np.testing.assert_array_equal(weights, again)
    for ours, variable in zip(variables, optimizer.variables, strict=True):
        np.testing.assert_allclose(ours, ops.convert_to_numpy(variable), rtol=1e-5)


def test_the_gradient_is_that_of_the_scalar_with_what_else_there_is():
    def function(a, b):
        return backend().gradient(lambda ab: (ops.sum(ab[0] ** 2 * ab[1]), ab[0] + 1), [a, b])

    arguments = (np.float32([1, 2]), np.float32([3, 5]))
    by_a, by_b, more = backend().Compiled(function, arguments)(arguments)
    np.testing.assert_array_equal(by_a, [6, 20])
    np.testing.assert_array_equal(by_b, [1, 4])
    np.testing.assert_array_equal(more, [2, 3])


def test_a_backend_without_programs_is_named(monkeypatch):
    assert reason_against_backend() is None
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    assert "'torch', and programs are compiled on 'tensorflow' and 'jax'" in (
        reason_against_backend()
    )
    check_backend()


@pytest.mark.tensorflow
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nadam"])
def test_programs_leave_neither_memory_maps_nor_graphs_behind(rng, optimizer):
    import tensorflow as tf

    def maps_and_graphs():
        gc.collect()
        graphs = sum(isinstance(o, tf.Graph) for o in gc.get_objects())
        return len(psutil.Process().memory_maps(grouped=False)), graphs

    def train(width):
        train_stack([make_task(rng, widths=(width,), epochs=1, optimizer=optimizer)])

    def program_for(spec):
        return Program(spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sknoise.training._stack.program_for", program_for)
        train(3)
        maps, graphs = maps_and_graphs()
        for width in (4, 5, 6):
            train(width)
        more_maps, more_graphs = maps_and_graphs()
    # A program that stayed would be some 135 maps and a dozen graphs.
    assert more_graphs == graphs
    assert more_maps < maps + 100
