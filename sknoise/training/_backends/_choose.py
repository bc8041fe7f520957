"""The backend of Keras in this process, and what there is for it."""

from __future__ import annotations

import importlib
from typing import cast

import keras

from sknoise.training._backends._types import Backend

# By Keras's names, the modules of this folder.
BACKENDS = {name: f"sknoise.training._backends._{name}" for name in ("tensorflow", "jax")}


def backend() -> Backend:
    """Give what compiles programs on Keras's backend."""
    return cast(Backend, importlib.import_module(BACKENDS[keras.backend.backend()]))


def reason_against_backend() -> str | None:
    """Say why no program can be compiled on Keras's backend; None where it can."""
    name = keras.backend.backend()
    if name in BACKENDS:
        return None
    known = " and ".join(map(repr, BACKENDS))
    return (
        f"Keras's backend is {name!r}, and programs are compiled on {known}: the environment "
        "variable KERAS_BACKEND chooses one before Keras is imported"
    )


def check_backend() -> None:
    """Check that Keras can be used as it is set up.

    Raises
    ------
    RuntimeError
        If TensorFlow executes nothing at once.
    """
    if reason_against_backend() is None:
        backend().check_ready()
