"""Many fits as one: a joblib backend that trains the networks of a search as stacks."""

import joblib

from sknoise.parallel._backend import StackBackend
from sknoise.parallel._scheduler import MAX_WAITING, current_job

__all__ = ["MAX_WAITING", "StackBackend", "current_job", "register"]


def register() -> None:
    """Make the backend known to joblib as "sknoise"."""
    joblib.register_parallel_backend("sknoise", StackBackend)
