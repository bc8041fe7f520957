"""Many fits as one: a joblib backend that trains the networks of a search as stacks."""

import joblib

from sknoise.parallel._backend import StackBackend
from sknoise.parallel._scheduler import current_job
from sknoise.parallel._stacked import in_stacks

__all__ = ["StackBackend", "current_job", "in_stacks", "register"]


def register() -> None:
    """Make the backend known to joblib as "sknoise"."""
    joblib.register_parallel_backend("sknoise", StackBackend)
