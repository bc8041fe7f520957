"""A look at the threads that are left, and into other processes; and Ctrl-C."""

import os
import signal
import threading
import time
from contextlib import contextmanager

from sknoise.parallel import _remote


def check_soon(is_so):
    """Check that something is so within half a minute."""
    deadline = time.monotonic() + 30
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
def ctrl_c_after(seconds):
    """Interrupt the main thread after a while."""
    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
