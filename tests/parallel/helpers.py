"""A look at the threads that are left, and into other processes."""

import threading
import time

from sknoise.parallel import _remote
from tests.waiting import LONG


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
