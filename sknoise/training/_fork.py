"""A clear error where a forked process would wait for the threads of Keras's backend for ever."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

# The process that Keras's backend has been used in, or that it was forked from.
_process: int | None = None


def _is_used() -> bool:
    """Say whether anybody has used TensorFlow or JAX in this process, or before it was forked."""
    # Imported alone they have no threads yet, and survive a fork.
    context = sys.modules.get("tensorflow.python.eager.context")
    if context and getattr(context.context_safe(), "_context_handle", None) is not None:
        return True
    return bool(getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None))


def _note_other_users() -> None:
    global _process
    if _process is None and _is_used():
        _process = os.getpid()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_note_other_users)

# Where this is first imported in a fork, what was used before lacks its threads. Both backends
# have some of this name; only Linux tells.
_THREADS = Path("/proc/self/task")
if (
    multiprocessing.parent_process() is not None
    and _THREADS.is_dir()
    and _is_used()
    and not any(t.read_text().startswith("tf_") for t in _THREADS.glob("*/comm"))
):
    _process = os.getppid()


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
