"""The number of TensorFlow's threads against the bits of what is trained."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sknoise.training._stack import train_stack
from tests.training.tasks import make_task, with_model

# The number of threads is set before TensorFlow starts, and so in a process of its own.
CODE = """
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
from tests.training.test_threads import digest
print(digest())
"""


def digest():
    """Hash the weights of a network, and of a stack, in steps of the most rows by default."""
    rng = np.random.default_rng(0)
    # From 128 inputs to a unit on, Eigen cuts their sum by the caches of the processor, and
    # otherwise with several threads than with one.
    alone = make_task(rng, n_rows=600, n_features=100, widths=(300,), batch_size=256, epochs=3)
    stack = [replace(with_model(alone, key=key), epochs=2) for key in range(1, 7)]
    results = [*train_stack([alone]), *train_stack(stack)]
    weights = [w.tobytes() for result in results for w in result.state.weights]
    return hashlib.sha256(b"".join(weights)).hexdigest()


def test_one_thread_gives_the_bits_of_as_many_as_there_are_cores():
    command = [sys.executable, "-c", CODE]
    root = Path(__file__).parents[2]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert out.stdout.strip() == digest()
