"""The joblib backend ``"sknoise"``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from joblib.parallel import ParallelBackendBase

from sknoise.parallel._remote import Remote
from sknoise.parallel._scheduler import MAX_WAITING, Call, Scheduler, current_job
from sknoise.parallel._workers import Threads


class StackBackend(ParallelBackendBase):
    """A joblib backend that trains the networks of many jobs as stacks.

    Jobs run as threads. Where one fits a ``NoisyMLPClassifier``, it waits until all others
    have come that far too, or have ended; then all their networks train together. What else
    the jobs do runs as it would with joblib's threads.

    Made by ``joblib.parallel_config(backend="sknoise")``, which passes the parameters on.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None, default=None
        What the stacks are sent to; None is threads of this process. Not a process pool
        that forks: TensorFlow hangs in a fork. The executor is not shut down.
    max_networks : int or None, default=None
        Number of networks in a stack at most. None is 64, above which the time per network no
        longer falls; or 512 where Keras's backend has a graphics card, and there is no executor.
        Fewer give an executor of many workers more stacks to share out.
    max_bytes : int, default=2**30
        Memory, in bytes, that a stack may take while it trains, and that the training data
        that waits may take.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a bound is not positive, or the executor forks.

    Notes
    -----
    ``n_jobs`` is the number of jobs that may wait for one another; joblib's default and -1
    are 512. A positive number is taken as it is: with 1, nothing is stacked.

    Examples
    --------
    >>> import joblib
    >>> from sklearn.datasets import make_circles
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknoise import NoisyMLPClassifier
    >>> X, y = make_circles(n_samples=60, noise=0.1, factor=0.5, random_state=1)
    >>> clf = NoisyMLPClassifier(20, epochs=50, random_state=0)
    >>> with joblib.parallel_config(backend="sknoise"):
    ...     search = GridSearchCV(clf, {"noise_hidden": [0, 0.1, 1]}, cv=3).fit(X, y)
    >>> search.cv_results_["mean_test_score"].shape
    (3,)
    """

    supports_retrieve_callback = True
    supports_sharedmem = True
    uses_threads = True
    default_n_jobs = -1

    def __init__(
        self,
        nesting_level: int | None = None,
        inner_max_num_threads: int | None = None,
        *,
        executor: Executor | None = None,
        max_networks: int | None = None,
        max_bytes: int = 2**30,
    ) -> None:
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        _check_executor(executor)
        if max_networks is not None:
            max_networks = _checked_bound("max_networks", max_networks)
        max_bytes = _checked_bound("max_bytes", max_bytes)
        workers = Threads() if executor is None else Remote(executor)
        self._scheduler = Scheduler(workers, max_networks, max_bytes)
        self._call: Call | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Give the number of jobs that may be under way at once."""
        if n_jobs == 0:
            raise ValueError("n_jobs=0 has no meaning: use -1, or the number of jobs at once.")
        return n_jobs if n_jobs is not None and n_jobs > 0 else MAX_WAITING

    def start_call(self) -> None:
        """Begin a call of Parallel."""
        if self._call is not None:
            # Its results may be a generator that nobody reads: the caller has gone on.
            self._scheduler.leave(self._call)
        n_jobs = self.effective_n_jobs(self.parallel.n_jobs)
        job = current_job()
        parent = job if job is not None and job.scheduler is self._scheduler else None
        self._call = Call(n_jobs, bool(self.parallel.verbose), parent)
        self._scheduler.open(self._call)

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Future[Any]], None] | None = None
    ) -> Future[Any]:
        """Run a batch of joblib's as a job."""
        assert self._call is not None
        # A search passes its verbose not to Parallel, but to each of its fits.
        if any(kwargs.get("verbose") for _, _, kwargs in getattr(func, "items", ())):
            self._call.verbose = True
        return self._scheduler.submit(func, self._call, callback)

    def retrieve_result_callback(self, future: Future[Any]) -> Any:
        """Give the result of a job, or raise its error."""
        return future.result()

    @contextmanager
    def retrieval_context(self) -> Iterator[None]:
        """Enter what joblib does while it waits for the jobs."""
        assert self._call is not None
        with self._scheduler.waiting_for(self._call):
            yield

    def get_nested_backend(self) -> tuple[StackBackend, None]:
        """Let nested calls of Parallel join the same stacks."""
        nested = StackBackend(nesting_level=(self.nesting_level or 0) + 1)
        nested._scheduler = self._scheduler
        return nested, None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End the jobs of this call, after an error or Ctrl-C."""
        if self._call is not None:
            self._scheduler.abort(self._call)

    def stop_call(self) -> None:
        """End a call of Parallel."""
        if self._call is not None:
            self._scheduler.close(self._call)


def _checked_bound(name: str, value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r} must be a positive integer.")
    if value < 1:
        raise ValueError(f"{name}={value!r} must be a positive integer.")
    return int(value)


def _check_executor(executor: Any) -> None:
    if executor is None:
        return
    if not isinstance(executor, Executor):
        raise TypeError(
            f"executor={executor!r} must be a concurrent.futures.Executor, such as "
            "ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn')) or "
            "dask.distributed's Client(...).get_executor()."
        )
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise ValueError(
            f"executor={executor!r} forks its processes, and TensorFlow hangs in a fork: make it "
            "with mp_context=multiprocessing.get_context('spawn')."
        )
