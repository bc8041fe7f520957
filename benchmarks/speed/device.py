"""Time training where Keras's backend computes, by: python -m benchmarks.speed.device.

For a machine with a graphics card, which needs no TensorFlow: with JAX and KERAS_BACKEND=jax.
``--small`` shows in a minute that it runs. The first call of a shape compiles.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import joblib
import keras
import numpy as np
from sklearn.model_selection import GridSearchCV

from benchmarks.processes import quieten, seconds
from benchmarks.speed.peers import article_data
from benchmarks.speed.stacks import NODES, NOISE_LEVELS, Stack, tasks_of
from sknoise import NoisyMLPClassifier, __version__
from sknoise.training._cost import stack_bytes
from sknoise.training._spec import spec_of
from sknoise.training._stack import train_stack

STACK_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
LARGE = {"50,000 x 50": (50_000, 50), "1,000,000 x 100": (1_000_000, 100)}


def device() -> str:
    """Name what Keras's backend computes on."""
    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(cards[0])) if cards else "CPU"


def twice(call: Callable[[], object]) -> str:
    """Write what the first and the second call take."""
    first, second = seconds(call), seconds(call)
    return f"{first:10.2f} s first {second:10.3f} s then"


def grid_lines(epochs: int) -> Iterator[str]:
    """Time the article's grid."""
    X, X_val, y, y_val = article_data()
    clf = NoisyMLPClassifier(
        noise_input=0, alpha=0, epochs=epochs, batch_size=None, random_state=0
    )
    grid = {"nodes": NODES, "noise_hidden": NOISE_LEVELS}

    def search() -> None:
        with joblib.parallel_config(backend="sknoise"):
            GridSearchCV(clf, grid, cv=5).fit(X, y, X_val=X_val, y_val=y_val)

    yield f"article's grid, 121 fits, {epochs} epochs, validation: {twice(search)}"


def stack_lines(epochs: int, sizes: tuple[int, ...]) -> Iterator[str]:
    """Time stacks of the article's network, and say what memory is planned for them."""
    for n in sizes:
        tasks = tasks_of(Stack((2, 400, 1), 30, None, n, n), epochs)
        train_stack(tasks)
        each = seconds(partial(train_stack, tasks)) / n / epochs
        mib = stack_bytes(spec_of(tasks)) / 2**20
        yield f"stack of {n:5}: {each * 1e6:9.3f} us a network and epoch, planned {mib:8.0f} MiB"


def large_lines(shapes: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Time fits of many rows."""
    rng = np.random.default_rng(0)
    for name, shape in shapes.items():
        X = rng.standard_normal(shape, np.float32)
        y = X @ rng.standard_normal(shape[1]) + rng.standard_normal(len(X)) > 0
        for noise in (0.0, 0.1):
            fixed: dict[str, Any] = {"noise_input": noise, "noise_hidden": noise, "alpha": 0}
            clf = NoisyMLPClassifier(256, **fixed, batch_size=256, epochs=1, random_state=0)
            yield f"{name}, 256 nodes, batch 256, noise {noise}: {twice(partial(clf.fit, X, y))}"


def main() -> None:
    """Print what is timed, line by line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few epochs, stacks and rows")
    small = parser.parse_args().small
    quieten()
    print(f"Python {platform.python_version()}, sknoise {__version__}, ", end="")
    print(f"Keras on {keras.backend.backend()}, {device()}", flush=True)
    epochs = 50 if small else 5000
    sizes = STACK_SIZES[:4] if small else STACK_SIZES
    shapes = {"5,000 x 50": (5000, 50)} if small else LARGE
    for lines in (
        grid_lines(epochs),
        stack_lines(min(epochs, 1000), sizes),
        large_lines(shapes),
    ):
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main()
