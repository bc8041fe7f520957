"""Ctrl-C in a fit: it breaks no import, and training ends with the model of the epochs done."""

from __future__ import annotations

import functools
import importlib
import signal
import threading
from typing import Any

from sknoise.training._collector import uncollected
from sknoise.training._leave import call_or_leave


# What raises is not remembered, and so is tried again.
@functools.cache
def import_apart(name: str) -> None:
    """Import a module in a thread, where Ctrl-C cannot strike: it raises here, and at once.

    TensorFlow could not be imported again after an import that was broken off. So it goes on
    to its end, and the next import waits for that.

    Parameters
    ----------
    name : str
        The module's full name.
    """
    with uncollected():
        call_or_leave(lambda: False, importlib.import_module, name)


class StopOnCtrlC:
    """While entered, the first Ctrl-C only asks to stop; a second one raises as always.

    A ``KeyboardInterrupt`` could strike between any two steps of the bookkeeping, and inside of
    TensorFlow. Where Ctrl-C does not raise one, it is left as it is: in threads other than the
    main one, and where somebody has a handler of their own.

    Attributes
    ----------
    asked : bool
        Whether there was a Ctrl-C.
    """

    def __init__(self) -> None:
        self.asked = False
        self._handles = False

    def __enter__(self) -> StopOnCtrlC:
        raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._handles = raises and threading.current_thread() is threading.main_thread()
        if self._handles:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *error: object) -> None:
        # Somebody may have set a handler since.
        if self._handles and signal.getsignal(signal.SIGINT) == self._ask:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.asked

    def _ask(self, number: int, frame: Any) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
