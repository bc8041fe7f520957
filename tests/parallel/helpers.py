"""A look at the threads that are left, and into other processes."""

import threading
import time

from sknoise.parallel import _remote


def check_all_threads_end():
    """Check that soon no thread of ours is left."""
    deadline = time.monotonic() + 30
    while any(thread.name.startswith("sknoise") for thread in threading.enumerate()):
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.01)


def n_files_read():
    """Give how many files of data this process has read."""
    return _remote._stored_rows.cache_info().misses
