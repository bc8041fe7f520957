"""A clear error where a forked process would wait for TensorFlow's threads for ever."""

from __future__ import annotations

import os
import sys

# The process that TensorFlow has been used in, or that it was forked from.
_process: int | None = None


def _note_other_users() -> None:
    """Note before a fork whether anybody else has used TensorFlow in this process."""
    global _process
    context = sys.modules.get("tensorflow.python.eager.context")
    if _process is None and context is not None:
        # Imported alone it has no threads yet, and survives a fork.
        used = getattr(context.context_safe(), "_context_handle", None) is not None
        _process = os.getpid() if used else None


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_note_other_users)


def is_forked() -> bool:
    """Say whether TensorFlow was used before this process was forked, and so cannot be here."""
    return _process not in (None, os.getpid())


def use_tensorflow() -> None:
    """Note that TensorFlow is used from now on.

    Raises
    ------
    RuntimeError
        If it was used before this process was forked: its threads are not in the fork.
    """
    global _process
    if is_forked():
        raise RuntimeError(
            "This process was forked after TensorFlow had been used, and that would hang in it. "
            "Start processes by 'spawn' or 'forkserver' (multiprocessing.get_context('spawn')), "
            "by joblib's loky, or fork before the first fit. Predictions need no TensorFlow, and "
            "work here too."
        )
    _process = os.getpid()
