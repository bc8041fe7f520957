"""Python's collector of cycles, paused while much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector: importing Keras takes a fifth less, and so does tracing a program.

    It would go through all modules again and again. Where several threads do this, it may go on
    before the last one ends.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
