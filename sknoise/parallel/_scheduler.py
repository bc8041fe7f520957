"""The rendezvous: runs jobs as threads, and trains together what they wait for."""

from __future__ import annotations

import copy
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import joblib

from sknoise.parallel._progress import SearchProgress
from sknoise.parallel._workers import Aborted, Outcome, Stack, Workers
from sknoise.training._plan import plan_stacks
from sknoise.training._types import Result, Task

# At most this many fits wait for one another; a search of more trains in several waves.
MAX_WAITING = 512
# Where nothing has happened for so long, what waits is trained without the jobs that run: they
# may take very long, or wait for something themselves.
PATIENCE = 60.0  # seconds
# And where the jobs that run have used no processor time for so long: they wait for something
# themselves, perhaps for what a job holds that waits for its training.
STANDSTILL = 0.5  # seconds
_NEXT_TO_NONE = 0.01  # seconds of processor time

_here = threading.local()


def current_job() -> Job | None:
    """Give the job that this thread works at, if it works for a scheduler."""
    job: Job | None = getattr(_here, "job", None)
    return job


class Call:
    """One call of ``joblib.Parallel``.

    Parameters
    ----------
    limit : int
        Number of its jobs that may be under way at once.
    verbose : bool
        Whether it asks for a progress bar.
    parent : Job or None
        The job that makes the call, where calls are nested.
    """

    def __init__(self, limit: int, verbose: bool, parent: Job | None) -> None:
        self.limit = limit
        self.verbose = verbose
        self.parent = parent
        self.n_submitted = 0
        self.n_started = 0
        self.n_ended = 0
        # Whether its caller has gone on; that can be before its last thread has ended.
        self.is_left = False
        self.aborted = False

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for its jobs any more."""
        return self.aborted or (self.parent is not None and self.parent.call.is_over)


@dataclass(eq=False)
class Job:
    """Something to run in a thread: a fit and its scoring, say, or a whole nested search."""

    scheduler: Scheduler
    call: Call
    function: Callable[[], Any]
    # Place in the order of submission, among all nested calls: waves are sorted by it, so that
    # the order in which threads happen to run changes nothing.
    place: tuple[int, ...]
    future: Future[Any] = field(default_factory=Future)


@dataclass(eq=False)
class _Request:
    """A task that a job waits for."""

    job: Job
    task: Task
    woken: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None

    @property
    def n_bytes(self) -> int:
        return sum(a.nbytes for a in self.task.data.arrays)


class Scheduler:
    """Runs few jobs at a time; those that wait for their training do not count.

    A job runs until it asks for training, then the next one starts. When no job can run any
    more, all that was asked for is trained, as few large stacks.

    Parameters
    ----------
    workers : Workers
        What trains the stacks.
    max_networks : int or None
        Bound of a stack; None leaves it to the workers.
    max_bytes : int
        Bound of a stack. No more jobs start, either, while the data that waits takes more.
    """

    def __init__(self, workers: Workers, max_networks: int | None, max_bytes: int) -> None:
        self._workers = workers
        self._max_networks = max_networks
        self._max_bytes = max_bytes
        self._slots = joblib.cpu_count()
        # Guards all that follows. Never held while anybody else's code runs.
        self._lock = threading.Lock()
        self._queued: deque[Job] = deque()
        self._ready: deque[threading.Event] = deque()
        self._waiting: list[_Request] = []
        self._held = 0  # Bytes of data that wait.
        self._n_running = 0
        # Of the threads whose job runs, the clocks of their processor time.
        self._clocks: dict[int, int] = {}
        # Calls whose caller will soon bring new work, and for which training waits.
        self._expected: set[Call] = set()
        self._training = False
        self._changed = time.monotonic()
        self._progress = SearchProgress()

    def open(self, call: Call) -> None:
        """Begin a call; one from outside will now submit its first jobs."""
        with self._lock:
            if call.parent is None:
                self._expected.add(call)

    def leave(self, call: Call) -> None:
        """Expect no more jobs of a call soon: its caller does something else."""
        with self._lock:
            self._expected.discard(call)
            self._advance()

    def submit(
        self,
        function: Callable[[], Any],
        call: Call,
        callback: Callable[[Future[Any]], None] | None = None,
    ) -> Future[Any]:
        """Run a function in a thread, soon; the callback gets the future when it is done."""
        path = call.parent.place if call.parent else ()
        with self._lock:
            job = Job(self, call, function, (*path, call.n_submitted))
            if callback is not None:
                job.future.add_done_callback(callback)
            call.n_submitted += 1
            if call.parent is not None:
                # Its first jobs ended while the caller was still submitting others.
                self._expected.discard(call)
            self._queued.append(job)
            self._advance()
        return job.future

    def train(self, job: Job, task: Task, verbose: bool) -> Result:
        """Train a task together with those of other jobs; called in the job's thread."""
        request = _Request(job, task)
        with self._lock:
            if job.call.is_over:
                raise Aborted
            self._progress.add(task.epochs, shown=verbose or job.call.verbose)
            self._waiting.append(request)
            self._held += request.n_bytes
            self._n_running -= 1
            self._clocks.pop(threading.get_ident(), None)
            self._advance()
        seen = None
        told = []
        while not request.woken.wait(min(PATIENCE, STANDSTILL)):
            wave = []
            with self._lock:
                pulse = self._pulse()
                still = _is_still(seen, pulse)
                seen = pulse
                if still or time.monotonic() - self._changed >= PATIENCE:
                    wave = self._next_wave()
                # None do where there was no thread for this wave.
                others_run = self._n_running > 0
            if wave:
                self._train_wave(wave)
                if others_run:
                    told.append(_standstill(len(wave)) if still else _impatience(len(wave)))
            with self._lock:
                # All slots may be taken by jobs that wait for this one.
                if (still or wave) and request.woken in self._ready:
                    self._ready.remove(request.woken)
                    self._n_running += 1
                    break
        self._runs()
        if isinstance(request.outcome, BaseException):
            # Others of the stack raise the same error, in their own threads.
            raise copy.copy(request.outcome) from request.outcome
        assert request.outcome is not None
        # Not before: who makes errors of warnings must not keep a wave from its answers.
        for message in told:
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        return request.outcome

    @contextmanager
    def waiting_for(self, call: Call) -> Iterator[None]:
        """Note that a caller has submitted its first jobs, and waits for all of them."""
        nested = call.parent is not None
        with self._lock:
            if nested:
                self._n_running -= 1
                self._clocks.pop(threading.get_ident(), None)
            else:
                self._expected.discard(call)
            self._advance()
        try:
            yield
        finally:
            back = threading.Event()
            with self._lock:
                call.is_left = True
                self._expected.discard(call)
                if nested:
                    self._ready.append(back)
                self._advance()
            if nested:
                back.wait()
                self._runs()

    def _runs(self) -> None:
        """Note that the job of this thread runs."""
        # Not on Windows, where only patience tells who waits.
        if hasattr(time, "pthread_getcpuclockid"):
            ident = threading.get_ident()
            with self._lock:
                self._clocks[ident] = time.pthread_getcpuclockid(ident)

    def abort(self, call: Call) -> None:
        """Drop the jobs of a call, and of the calls nested in it; those that run end soon."""
        with self._lock:
            call.aborted = True
            self._expected.discard(call)
            dropped = [job for job in self._queued if job.call.is_over]
            self._queued = deque(job for job in self._queued if not job.call.is_over)
            given_up = [r for r in self._waiting if r.job.call.is_over]
            self._waiting = [r for r in self._waiting if not r.job.call.is_over]
            for request in given_up:
                self._held -= request.n_bytes
                self._answer(request, Aborted())
            self._advance()
        for job in dropped:
            job.future.set_exception(Aborted())

    def close(self, call: Call) -> None:
        """End a call; after one from outside, forget what only its jobs needed."""
        with self._lock:
            call.is_left = True
            self._expected.discard(call)
        if call.parent is None:
            self._workers.forget()
            self._progress.close()

    # The next seven are called with the lock held.

    def _pulse(self) -> tuple[float, float] | None:
        """Give what changes while something happens; None where nobody can be said to wait."""
        if self._n_running <= 0 or self._expected or not self._clocks:
            return None
        return self._changed, sum(map(time.clock_gettime, self._clocks.values()))

    def _advance(self) -> None:
        """Start what can start: a job that is ready to go on, or else a new one."""
        self._changed = time.monotonic()
        while self._n_running < self._slots:
            if self._ready:
                self._ready.popleft().set()
            elif (job := self._next_job()) is None or not self._started(job):
                break
            self._n_running += 1
        if self._n_running <= 0 and not self._expected:
            self._train_waiting()

    def _next_job(self) -> Job | None:
        if len(self._waiting) >= MAX_WAITING or self._held >= self._max_bytes:
            return None
        for i, job in enumerate(self._queued):
            if job.call.n_started - job.call.n_ended < job.call.limit:
                del self._queued[i]
                return job
        return None

    def _started(self, job: Job) -> bool:
        """Start the thread of a job; False where the system gives no more threads for now."""
        job.call.n_started += 1
        try:
            threading.Thread(target=self._work, args=(job,), name="sknoise-job").start()
        except RuntimeError:
            job.call.n_started -= 1
            self._queued.appendleft(job)
            if self._n_running <= 0 and not self._waiting and not self._training:
                raise
            return False
        return True

    def _train_waiting(self) -> None:
        """Train what waits, in a thread of its own."""
        wave = self._next_wave()
        if not wave:
            return
        try:
            threading.Thread(target=self._train_wave, args=(wave,), name="sknoise-train").start()
        except RuntimeError:
            # The system gives no more threads: a job that waits trains it when it loses patience.
            self._training = False
            self._waiting, self._held = wave, sum(request.n_bytes for request in wave)

    def _next_wave(self) -> list[_Request]:
        """Take what waits, in order, to be trained by the caller; nothing while others train."""
        if self._training or not self._waiting:
            return []
        wave = sorted(self._waiting, key=lambda request: request.job.place)
        self._waiting, self._held, self._training = [], 0, True
        return wave

    def _answer(self, request: _Request, outcome: Outcome) -> None:
        request.outcome = outcome
        self._ready.append(request.woken)

    def _work(self, job: Job) -> None:
        """Run a job in this thread, and then others while there are some."""
        next_job: Job | None = job
        self._runs()
        while next_job is not None:
            job = _here.job = next_job
            try:
                result = job.function()
            except BaseException as error:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
            finally:
                # The callbacks of the future have submitted the next job by now.
                next_job = self._end(job.call)
                if next_job is None:
                    with self._lock:
                        self._clocks.pop(threading.get_ident(), None)

    def _end(self, call: Call) -> Job | None:
        """Count a job that has ended; give the next one for its thread.

        A new thread for that might be one more than the system gives, and no other job may be
        left to try again.
        """
        with self._lock:
            call.n_ended += 1
            is_done = call.n_ended == call.n_submitted
            if is_done and call.parent and not call.is_left and not call.is_over:
                # Its caller will go on as soon as it notices.
                self._expected.add(call)
            self._n_running -= 1
            job = None if self._ready else self._next_job()
            if job is not None:
                job.call.n_started += 1
                self._n_running += 1
            self._advance()
        return job

    def _train_wave(self, wave: list[_Request]) -> None:
        unanswered = dict(enumerate(wave))
        for_the_rest: Outcome = Aborted()

        def watch(stack: Stack, epochs: int) -> bool:
            self._progress.advance(epochs, n_to_come=len(self._queued))
            return not all(wave[i].job.call.is_over for i in stack)

        try:
            tasks = [request.task for request in wave]
            most = self._max_networks or self._workers.most_networks()
            stacks = plan_stacks(tasks, most, self._max_bytes)
            for stack, outcomes in self._workers.train(tasks, stacks, watch):
                self._progress.finish(len(stack), n_to_come=len(self._queued))
                with self._lock:
                    for i, outcome in zip(stack, outcomes, strict=True):
                        self._answer(unanswered.pop(i), outcome)
                    self._advance()
        except BaseException as error:
            for_the_rest = error
        # Whatever happened, nobody is left waiting.
        with self._lock:
            for request in unanswered.values():
                self._answer(request, for_the_rest)
            self._training = False
            self._advance()


def _is_still(before: tuple[float, float] | None, now: tuple[float, float] | None) -> bool:
    """Say whether nothing has happened between two looks at the pulse."""
    if before is None or now is None:
        return False
    return before[0] == now[0] and now[1] - before[1] < _NEXT_TO_NONE


def _standstill(n_waiting: int) -> str:
    return (
        "The jobs under the backend 'sknoise' that run used no processor time: they waited for "
        f"something. {n_waiting} fit(s) trained without them, perhaps one by one, which takes "
        "longer. The cause is a lock that is held around a fit, in an estimator, a transformer or "
        "a scorer, for example, or a file or a server that is slow."
    )


def _impatience(n_waiting: int) -> str:
    return (
        f"For {PATIENCE:.0f} seconds no job under the backend 'sknoise' came to a fit, or ended. "
        f"{n_waiting} fit(s) trained without those that run. The cause is what takes long before "
        "a fit, or a lock that is held around one and tried for again and again, for example."
    )
