"""A clear error where a forked process would wait for the threads of Keras's backend for ever."""

from __future__ import annotations

import os
import sys

# The process that Keras's backend has been used in, or that it was forked from.
_process: int | None = None


def _note_other_users() -> None:
    """Note before a fork whether anybody else has used TensorFlow or JAX in this process."""
    global _process
    # Imported alone they have no threads yet, and survive a fork.
    context = sys.modules.get("tensorflow.python.eager.context")
    used = context and getattr(context.context_safe(), "_context_handle", None) is not None
    bridge = sys.modules.get("jax._src.xla_bridge")
    if _process is None and (used or getattr(bridge, "_backends", None)):
        _process = os.getpid()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_note_other_users)


def is_forked() -> bool:
    """Say whether a backend was used before this process was forked, and so cannot be here."""
    return _process not in (None, os.getpid())


def use_backend() -> None:
    """Note that Keras's backend is used from now on.

    Raises
    ------
    RuntimeError
        If it was used before this process was forked: its threads are not in the fork.
    """
    global _process
    if is_forked():
        name = "TensorFlow" if "tensorflow" in sys.modules else "JAX"
        raise RuntimeError(
            f"This process was forked after {name} had been used, and that would hang in it. "
            "Start processes by 'spawn' or 'forkserver' (multiprocessing.get_context('spawn')), "
            f"by joblib's loky, or fork before the first fit. Predictions need no {name}, and "
            "work here too."
        )
    _process = os.getpid()
