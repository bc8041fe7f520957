"""Waits for what happens, not for a time: calls that end, Ctrl-C then, and a limit to it all."""

import os
import signal
import threading
from contextlib import contextmanager

import pytest

# Seconds after which something is taken to hang, however busy the machine is.
LONG = 600


@contextmanager
def ctrl_c_once(is_so):
    """Interrupt the main thread soon after something is seen to be so."""
    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    left = threading.Event()

    def watch():
        while not left.wait(0.05):
            if is_so():
                return os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)


@contextmanager
def counted_calls(cls, name):
    """Count the calls of a method that have ended, while entered."""
    ended, method = [], getattr(cls, name)

    def counting(*args, **kwargs):
        result = method(*args, **kwargs)
        ended.append(name)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cls, name, counting)
        yield ended
