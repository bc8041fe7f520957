"""Have jobs train in stacks, whether or not the caller has asked for our backend."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from sknoise.parallel._backend import StackBackend
from sknoise.parallel._scheduler import MAX_WAITING


def in_stacks(n_groups: int, n_jobs_each: int) -> AbstractContextManager[Any]:
    """Enter our backend, unless the caller has done so and has perhaps set its options.

    Programs that were compiled for a wave of fits serve the next one if it is made up alike: so
    groups of jobs are shared out evenly among the waves.

    Parameters
    ----------
    n_groups : int
        Number of groups of jobs, such as the splits of a cross-validation.
    n_jobs_each : int
        Number of jobs in each.

    Returns
    -------
    context manager
    """
    if isinstance(get_active_backend()[0], StackBackend):
        return nullcontext()
    n_waves = -(-n_groups * n_jobs_each // MAX_WAITING)
    n_jobs = -(-n_groups // n_waves) * n_jobs_each
    return joblib.parallel_config(backend="sknoise", n_jobs=n_jobs)
