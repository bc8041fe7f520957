"""Jobs in stacks, in even waves, whether or not the caller has asked for the backend."""

import joblib
from joblib.parallel import get_active_backend

from sknoise.parallel import StackBackend, in_stacks


def test_waves_have_equally_many_splits():
    # 750 fits are two waves of at most 512.
    for n_groups, n_each, n_jobs in [(50, 15, 375), (50, 8, 400), (2, 600, 600)]:
        with in_stacks(n_groups, n_each):
            assert joblib.Parallel().n_jobs == n_jobs


def test_the_callers_backend_stays():
    with joblib.parallel_config(backend="sknoise", n_jobs=7), in_stacks(50, 15):
        backend, n_jobs = get_active_backend()
        assert isinstance(backend, StackBackend)
        assert n_jobs == 7
    with joblib.parallel_config(backend="threading"), in_stacks(2, 3):
        assert isinstance(get_active_backend()[0], StackBackend)
