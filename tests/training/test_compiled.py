"""A function in a session of its own: what it gives, and that it goes without a trace."""

import gc

import numpy as np
import psutil
import pytest
import tensorflow as tf

from sknoise.training._compiled import Compiled
from sknoise.training._program import Program
from sknoise.training._stack import train_stack
from tests.training.tasks import make_task


def test_it_gives_what_the_function_gives_and_its_variables_are_its_own():
    total = tf.Variable(2.0)

    def function(pair, nothing, n):
        total.assign_add(tf.reduce_sum(pair[0]))
        repeated = tf.while_loop(lambda i, _: i < n, lambda i, a: (i + 1, 2 * a), (0, pair[1]))
        return {"b": repeated[1], "a": (total.read_value(), nothing)}

    arguments = ((np.float32([1, 2]), np.float32([[3]])), None, np.int32(3))
    compiled = Compiled(function, arguments)
    first, second = compiled(arguments), compiled(arguments)
    np.testing.assert_array_equal(first[0], 5)
    np.testing.assert_array_equal(second[0], 8)
    np.testing.assert_array_equal(first[1], [[24]])
    assert total.numpy() == 2


def test_another_shape_is_an_error():
    compiled = Compiled(lambda a: a + 1, (np.float32([1, 2]),))
    with pytest.raises(ValueError, match="shape"):
        compiled((np.float32([1, 2, 3]),))


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nadam"])
def test_programs_leave_neither_memory_maps_nor_graphs_behind(rng, optimizer):
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
