"""A look at the threads that are left, and into other processes; and Ctrl-C."""

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from sknoise.parallel import _remote

# Seconds after which something is taken to hang, however busy the machine is.
LONG = 600


def check_soon(is_so):
    """Check that something is so in the end."""
    deadline = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.01)


def check_all_threads_end():
    """Check that soon no thread of ours is left."""
    check_soon(lambda: not any(t.name.startswith("sknoise") for t in threading.enumerate()))


def n_files_read():
    """Give how many files of data this process has read."""
    return _remote._stored_rows.cache_info().misses


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
