"""A clear error where a forked process would wait for TensorFlow's threads for ever."""

from __future__ import annotations

import os

# The process that TensorFlow has been used in, or that it was forked from.
_process: int | None = None


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
            "This process was forked after a model had been trained, and TensorFlow would hang in "
            "it. Start processes by 'spawn' or 'forkserver' "
            "(multiprocessing.get_context('spawn')), by joblib's loky, or fork before the first "
            "fit. Predictions need no TensorFlow, and work here too."
        )
    _process = os.getpid()
