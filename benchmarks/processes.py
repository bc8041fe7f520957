"""Fresh processes, what they say, and what they take: for benchmarks of all rooms."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import psutil
from sklearn.exceptions import ConvergenceWarning


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def quieten() -> None:
    """Silence expected warnings: fits end before they converge, and Keras traces each model."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore", ConvergenceWarning)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def in_fresh_process(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of this file in a new process, where nothing that ran before matters."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), quieten) as pool:
        return pool.submit(function, *args).result()


def resident_mib() -> float:
    """Give this process's memory, less what the C library keeps after compiling and may free."""
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return psutil.Process().memory_info().rss / 2**20
