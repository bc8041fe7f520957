"""A call that can be left while it runs, once somebody asks to stop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

from sknoise.training._types import Stop, never

T = TypeVar("T")

# Seconds between two looks at whether to stop, and for which the call may still end by itself.
_INTERVAL = 0.05
_GRACE = 1.0


def call_or_leave(stop: Stop, function: Callable[..., T], *arguments: Any) -> T | None:
    """Call a function, but do not wait for its end much longer than until one asks to stop.

    Nothing can stop a compiled program. What is left runs to its end in a thread, and what it
    gives is dropped. A ``KeyboardInterrupt`` leaves it too.

    Parameters
    ----------
    stop : callable
        Says whether to stop.
    function : callable
        A pure function, which lets other threads run.
    *arguments : objects

    Returns
    -------
    object
        What the function gives; None where it was left.
    """
    if stop is never:
        return function(*arguments)
    pool = ThreadPoolExecutor(1, "sknoise-call")
    try:
        future = pool.submit(function, *arguments)
        while wait([future], _INTERVAL).not_done:
            if stop():
                wait([future], _GRACE)
                break
        return future.result() if future.done() else None
    finally:
        pool.shutdown(wait=False)
