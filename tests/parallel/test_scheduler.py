"""Nothing waits for ever: errors, Ctrl-C, jobs that wait for each other, nested calls."""

import multiprocessing
import signal
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_circles
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknoise import NoisyMLPClassifier
from sknoise.parallel import _scheduler as scheduler_module
from sknoise.training import _stack
from sknoise.training._program import Program
from tests.parallel.helpers import check_all_threads_end
from tests.waiting import LONG, counted_calls, ctrl_c_once

pytestmark = pytest.mark.timeout(LONG)

X, Y = make_circles(40, noise=0.1, factor=0.5, random_state=0)
CLF = NoisyMLPClassifier(8, epochs=10, batch_size=None, random_state=0)


def run(*functions, **config):
    """Run functions as jobs of one call."""
    with joblib.parallel_config(backend="sknoise", **config):
        return joblib.Parallel()([joblib.delayed(f)() for f in functions])


def fit(**parameters):
    return clone(CLF).set_params(**parameters).fit(X, Y)


def test_a_job_that_waits_for_the_training_of_another(monkeypatch):
    monkeypatch.setattr(scheduler_module, "PATIENCE", 0.2)
    trained = threading.Event()

    def waits():
        return trained.wait(LONG)

    def trains():
        fit()
        trained.set()

    with pytest.warns(RuntimeWarning, match="For 0 seconds no job .* came to a fit"):
        assert run(waits, trains)[0]


class Locked(NoisyMLPClassifier):
    """What makes fits wait for one another: in user code, nobody can know where."""

    lock = threading.Lock()

    def fit(self, X, y, sample_weight=None):
        with self.lock:
            return super().fit(X, y, sample_weight)


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="only patience helps there")
def test_fits_that_wait_for_one_another(monkeypatch):
    monkeypatch.setattr(scheduler_module, "STANDSTILL", 0.1)
    locked = Locked(**CLF.get_params())
    expected = cross_val_score(CLF, X, Y, cv=6)
    told = pytest.warns(RuntimeWarning, match="a lock that is held around a fit")
    with joblib.parallel_config(backend="sknoise"), told:
        scores = cross_val_score(locked, X, Y, cv=6)
    np.testing.assert_array_equal(scores, expected)
    check_all_threads_end()


@pytest.mark.parametrize("bound", ["PATIENCE", "STANDSTILL"])
@pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::sklearn.exceptions.FitFailedWarning")
def test_a_warning_that_is_an_error_is_that_of_one_fit(monkeypatch, bound):
    monkeypatch.setattr(scheduler_module, bound, 0.1)
    with joblib.parallel_config(backend="sknoise"):
        scores = cross_val_score(Locked(**CLF.get_params()), X, Y, cv=4)
    # The last one waits for nobody, and nobody is warned.
    assert 1 <= np.isnan(scores).sum() < 4
    check_all_threads_end()


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="only patience helps there")
def test_who_computes_is_waited_for(monkeypatch):
    monkeypatch.setattr(scheduler_module, "STANDSTILL", 0.1)
    sizes = []
    train_stack = _stack.train_stack
    monkeypatch.setattr(
        _stack,
        "train_stack",
        lambda tasks, *args: sizes.append(len(tasks)) or train_stack(tasks, *args),
    )

    def computes():
        until = time.thread_time() + 1
        while time.thread_time() < until:
            pass
        return fit()

    assert len(run(fit, computes, fit)) == 3
    assert sizes == [3]


def test_several_fits_in_one_job():
    def twice():
        return [fit(epochs=n).n_iter_ for n in (3, 5)]

    assert run(twice, twice, fit)[:2] == [[3, 5], [3, 5]]


def test_nested_calls_to_any_depth():
    def nest(depth):
        if depth == 0:
            return fit().n_iter_
        return sum(joblib.Parallel()(joblib.delayed(nest)(depth - 1) for _ in range(2)))

    assert run(*[lambda: nest(3)] * 2) == [80, 80]


def test_nested_calls_with_other_backends_inside():
    def threads():
        fits = [joblib.delayed(fit)(random_state=i) for i in range(2)]
        with joblib.parallel_config(backend="threading", n_jobs=2):
            return [clf.n_iter_ for clf in joblib.Parallel()(fits)]

    def in_turn():
        return [clf.n_iter_ for clf in joblib.Parallel(n_jobs=1)([joblib.delayed(fit)()] * 2)]

    assert run(threads, in_turn, threads) == [[10, 10]] * 3


def test_a_nested_call_that_raises_ends_only_its_own_job():
    def bad():
        return joblib.Parallel()(joblib.delayed(fit)(epochs=n) for n in (5, -1, 6))

    def caught():
        with pytest.raises(ValueError, match="epochs"):
            bad()
        return fit().n_iter_

    assert run(caught, lambda: fit().n_iter_, caught) == [10, 10, 10]
    check_all_threads_end()


def test_an_error_in_training_reaches_every_fit_of_the_stack(monkeypatch):
    def fails(*args):
        raise MemoryError("no memory")

    monkeypatch.setattr(_stack, "program_for", fails)
    search = GridSearchCV(CLF, {"nodes": [3, 4]}, cv=2)
    with (
        joblib.parallel_config(backend="sknoise"),
        pytest.raises(ValueError, match=r"All the 4 fits failed[\s\S]*no memory"),
    ):
        search.fit(X, Y)
    check_all_threads_end()


def test_an_error_in_planning_reaches_every_fit(monkeypatch):
    def fails(*args):
        raise RuntimeError("no plan")

    monkeypatch.setattr(scheduler_module, "plan_stacks", fails)
    with pytest.raises(RuntimeError, match="no plan"):
        run(fit, fit)
    check_all_threads_end()


def test_a_timeout_of_joblib_ends_the_call():
    with joblib.parallel_config(backend="sknoise"):
        parallel = joblib.Parallel(timeout=0.5)
        with pytest.raises(multiprocessing.TimeoutError):
            parallel([joblib.delayed(fit)(epochs=10**7)])
    check_all_threads_end()


@pytest.mark.parametrize("nested", [False, True])
def test_ctrl_c_ends_the_training(nested):
    search = GridSearchCV(clone(CLF).set_params(epochs=10**7), {"noise_hidden": [0, 1]}, cv=2)
    with (
        counted_calls(Program, "__call__") as calls,
        ctrl_c_once(lambda: calls),
        joblib.parallel_config(backend="sknoise"),
        pytest.raises(KeyboardInterrupt),
    ):
        if nested:
            cross_val_score(search, X, Y, cv=2)
        else:
            search.fit(X, Y)
    check_all_threads_end()
    # The backend is as good as new.
    assert len(run(fit, fit)) == 2


def test_ctrl_c_ends_the_process():
    code = (
        "import joblib, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from sklearn.datasets import make_circles\n"
        "from sklearn.model_selection import cross_val_score\n"
        "from sknoise import NoisyMLPClassifier\n"
        "X, y = make_circles(40)\n"
        "from sknoise.training._program import Program\n"
        "call = Program.__call__\n"
        "def told(*arguments):\n"
        "    result = call(*arguments)\n"
        "    print('training', flush=True)\n"
        "    return result\n"
        "Program.__call__ = told\n"
        "with joblib.parallel_config(backend='sknoise'):\n"
        "    cross_val_score(NoisyMLPClassifier(8, epochs=10**7, batch_size=None), X, y)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "training\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LONG)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    # Not one of the fits was taken for a failed one.
    assert "FitFailedWarning" not in errors


class Sleeper(ClassifierMixin, BaseEstimator):
    """Not ours, and slow."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        time.sleep(0.3)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_search_over_our_estimator_and_others():
    from sklearn.pipeline import Pipeline

    search = GridSearchCV(
        Pipeline([("clf", CLF)]), {"clf": [CLF, Sleeper(), clone(CLF).set_params(nodes=5)]}, cv=3
    )
    with joblib.parallel_config(backend="sknoise"):
        ours = clone(search).fit(X, Y).cv_results_["mean_test_score"]
    theirs = search.fit(X, Y).cv_results_["mean_test_score"]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_ending_thread_goes_on_with_the_next_job_where_there_is_no_other(monkeypatch):
    start = threading.Thread.start

    def scarce(thread):
        others = [t for t in threading.enumerate() if t.name.startswith("sknoise")]
        if thread.name == "sknoise-job" and others:
            raise RuntimeError("can't start new thread")
        start(thread)

    def slow_to_end():
        fit()
        # The thread that trained ends meanwhile, and starts nothing any more.
        time.sleep(0.2)
        return threading.get_ident()

    monkeypatch.setattr(threading.Thread, "start", scarce)
    assert len(run(*[slow_to_end] * 3)) == 3
    check_all_threads_end()


# On a busy machine some jobs still run then.
@pytest.mark.filterwarnings("ignore:For 0 seconds no job:RuntimeWarning")
def test_a_job_trains_what_waits_where_there_is_no_thread_for_it(monkeypatch):
    start = threading.Thread.start

    def scarce(thread):
        if thread.name == "sknoise-train":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(scheduler_module, "PATIENCE", 0.2)
    monkeypatch.setattr(threading.Thread, "start", scarce)
    assert [clf.n_iter_ for clf in run(*[fit] * 5)] == [10] * 5
    check_all_threads_end()


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_system_that_gives_few_threads(monkeypatch, most):
    start = threading.Thread.start

    def scarce(thread):
        jobs = [t for t in threading.enumerate() if t.name == "sknoise-job"]
        if thread.name == "sknoise-job" and len(jobs) >= most:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    if most == 0:
        with pytest.raises(RuntimeError, match="new thread"):
            run(fit)
    else:
        assert [clf.n_iter_ for clf in run(*[fit] * 8)] == [10] * 8
    check_all_threads_end()
