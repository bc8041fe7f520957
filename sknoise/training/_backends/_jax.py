"""JAX: nothing is written, so what is trained is carried through the loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from sknoise.training._backends._disk import kept_in, seal


def _kept_in() -> Path | None:
    """Give the folder where XLA is to keep what it compiles; None where it is not."""
    folder = kept_in(f"jax-{jax.__version__}")
    if folder is not None and jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder


# Now, since making an optimizer's variables compiles, too.
_FOLDER = _kept_in()

sort = jax.lax.sort


def take(a: jax.Array, index: jax.Array) -> jax.Array:
    """Take along the first axis; see ``Backend``."""
    return jnp.take(a, index, axis=0, mode="clip")


def once(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """See ``Backend``: JAX traces for given lengths only."""
    return function


class Stepper:
    """Holds weights and optimizer's variables as a pair of a tensor and a list of tensors."""

    def __init__(self, optimizer: Any, shape: tuple[int, int]) -> None:
        self._optimizer = optimizer
        optimizer.build([keras.Variable(np.zeros(shape, np.float32), dtype="float32")])
        self.fresh = [np.array(v.value) for v in optimizer.variables]

    def begin(self, weights: jax.Array, optimizer: Sequence[jax.Array]) -> Any:
        return weights, list(optimizer)

    def end(self, held: Any) -> tuple[jax.Array, list[jax.Array]]:
        return held

    def weights(self, held: Any) -> jax.Array:
        return held[0]

    def with_weights(self, held: Any, weights: jax.Array) -> Any:
        return weights, held[1]

    def step(self, held: Any, gradient: jax.Array) -> Any:
        weights, optimizer = held
        (weights,), optimizer = self._optimizer.stateless_apply(optimizer, [gradient], [weights])
        return weights, optimizer


def gradient(function: Callable[[list[Any]], tuple[Any, Any]], at: list[Any]) -> Any:
    """Differentiate; see ``Backend``."""
    return jax.grad(function, has_aux=True)(at)


def has_card() -> bool:
    """Say whether JAX computes on something else than processors."""
    return jax.default_backend() != "cpu"


def check_ready() -> None:
    """JAX needs no setup."""


class Compiled:
    """A compiled function, which goes with the object."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        # The generator multiplies 32-bit words into 64 bits.
        with jax.enable_x64(True):
            self._run = jax.jit(function).lower(*arguments).compile()
        if _FOLDER is not None:
            seal(_FOLDER)

    def __call__(self, arguments: tuple[Any, ...]) -> list[np.ndarray]:
        return [np.asarray(leaf) for leaf in jax.tree.leaves(self._run(*arguments))]
