"""Stacks that train in other processes: the same results, few transfers, and deaths survived."""

import multiprocessing
import os
import pickle
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import psutil
import pytest
from sklearn.base import clone
from sklearn.datasets import make_circles
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknoise import NoisyMLPClassifier
from sknoise.parallel import _remote
from sknoise.training._types import Rows
from tests.parallel.helpers import check_all_threads_end, check_soon, n_files_read
from tests.waiting import LONG, ctrl_c_once

pytestmark = pytest.mark.timeout(LONG)

X, Y = make_circles(60, noise=0.1, factor=0.5, random_state=0)
SEARCH = GridSearchCV(
    NoisyMLPClassifier(8, epochs=30, batch_size=None, random_state=0),
    {"noise_hidden": [0, 0.1, 0.5, 1], "nodes": [5, 8]},
    cv=3,
    scoring="neg_log_loss",
)
N_FOLDS, N_STACKS = 3, 8
BOUNDS = {"max_networks": 3}  # 24 fits in stacks of three.


@pytest.fixture(scope="module")
def local():
    with joblib.parallel_config(backend="sknoise"):
        return clone(SEARCH).fit(X, Y)


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    options = {"dashboard_address": None, "threads_per_worker": 1}
    # A busy machine is slow to answer, and no worker is lost because of that.
    patience = {
        "distributed.comm.timeouts.connect": LONG,
        "distributed.comm.timeouts.tcp": LONG,
        "distributed.deploy.lost-worker-timeout": LONG,
        "distributed.scheduler.worker-ttl": None,
    }
    with (
        dask.config.set(patience),
        distributed.LocalCluster(2, **options) as cluster,
        distributed.Client(cluster, timeout=LONG) as client,
    ):
        yield client


def check_agrees(search, local):
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], local.cv_results_["mean_test_score"], atol=1e-4
    )
    assert search.best_params_ == local.best_params_


def searched(executor):
    with joblib.parallel_config(backend="sknoise", executor=executor, **BOUNDS):
        return clone(SEARCH).fit(X, Y)


class Spy(Executor):
    """Passes calls on, and remembers them."""

    def __init__(self, executor):
        self.executor = executor
        self.futures = []
        self.sizes = []

    def submit(self, fn, *args, **kwargs):
        self.sizes.append(len(pickle.dumps((fn, args, kwargs))))
        self.futures.append(self.executor.submit(fn, *args, **kwargs))
        return self.futures[-1]


def test_any_executor_will_do(local):
    with ThreadPoolExecutor(2) as threads:
        spy = Spy(threads)
        check_agrees(searched(spy), local)
    assert len(spy.futures) == N_STACKS


def test_a_process_pool_maps_each_fold_once(local, pool):
    before = pool.submit(n_files_read).result()
    check_agrees(searched(pool), local)
    # One process has trained all the stacks.
    assert pool.submit(n_files_read).result() - before == N_FOLDS


def test_files_are_gone_after_the_search(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(_remote.tempfile, "tempdir", str(tmp_path))
    stored = []
    dump = joblib.dump
    monkeypatch.setattr(joblib, "dump", lambda rows, path: stored.append(dump(rows, path)))
    searched(pool)
    assert len(stored) == N_FOLDS
    assert list(tmp_path.iterdir()) == []


def test_large_data_does_not_travel_with_each_stack(client):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 50))
    clf = NoisyMLPClassifier(4, epochs=1, random_state=0)
    search = GridSearchCV(clf, {"noise_hidden": [0.1, 0.2, 0.3, 0.4]}, cv=2, refit=False)
    spied = client.get_executor()
    sizes = []
    submit = spied.submit

    def measured(fn, *args):
        sizes.append(len(pickle.dumps(args[0])))
        return submit(fn, *args)

    spied.submit = measured
    with joblib.parallel_config(backend="sknoise", executor=spied, max_networks=2):
        search.fit(X, X[:, 0] > 0)
    assert len(sizes) == 4
    # A fold has 1000 rows of 50 floats: 200 kB.
    assert max(sizes) < 20_000


def keys_fetched(dask_worker):
    """Give the keys of all that a dask worker got from others."""
    return [key for entry in dask_worker.transfer_incoming_log for key in entry["keys"]]


def test_dask_gets_each_fold_once_on_each_worker(local, client, monkeypatch):
    sent = []
    submit = client.submit

    def spied(fn, *args, **options):
        future = submit(fn, *args, **options)
        if fn is _remote._same:
            sent.append(future)
        return future

    monkeypatch.setattr(client, "submit", spied)
    check_agrees(searched(client.get_executor()), local)
    assert len(sent) == N_FOLDS
    for fetched in client.run(keys_fetched).values():
        assert all(fetched.count(future.key) <= 1 for future in sent)


def test_dask_does_not_warn_of_large_data(client, recwarn):
    rows = Rows(*(np.zeros(20_000_000, dtype=np.uint8),) * 3)
    future = _remote._DaskCarrier(client).parcel(rows)
    assert future.result().X.size == 20_000_000
    assert not [w for w in recwarn if "large graph" in str(w.message)]


def test_a_nested_search_on_a_cluster(client):
    def run():
        return cross_val_score(SEARCH, X, Y, cv=2, scoring="neg_log_loss")

    with joblib.parallel_config(backend="sknoise", executor=client.get_executor(), **BOUNDS):
        ours = run()
    np.testing.assert_allclose(ours, run(), atol=1e-4)


def kill_after(n_stacks, executor, pid):
    """Kill a worker when some stacks are done and others are not."""
    submit = executor.submit
    done = []

    def spied(fn, *args):
        future = submit(fn, *args)
        future.add_done_callback(count)
        return future

    def count(future):
        done.append(future)
        if len(done) == n_stacks:
            os.kill(pid, signal.SIGKILL)

    executor.submit = spied
    return done


def test_a_killed_process_loses_nothing(local):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        pid = executor.submit(os.getpid).result()
        done = kill_after(2, executor, pid)
        with pytest.warns(RuntimeWarning, match="lost a stack.*BrokenProcessPool"):
            check_agrees(searched(executor), local)
    failed = [future for future in done if future.exception() is not None]
    assert 1 <= len(failed) <= N_STACKS - 2
    check_all_threads_end()


def test_a_killed_dask_worker_loses_nothing(local, client):
    executor = client.get_executor()
    pid = next(iter(client.run(os.getpid).values()))
    done = kill_after(2, executor, pid)
    check_agrees(searched(executor), local)
    # dask may cancel a stack with the worker, which is then sent again.
    came_back = [f for f in done if not f.cancelled() and f.exception() is None]
    assert len(came_back) == N_STACKS
    check_soon(lambda: not psutil.pid_exists(pid))


def test_an_executor_that_takes_nothing(local):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.warns(RuntimeWarning, match="lost a stack"):
        check_agrees(searched(executor), local)


def test_what_training_raises_is_no_loss(monkeypatch):
    search = clone(SEARCH).set_params(
        estimator__optimizer="sgd", param_grid={"learning_rate": [1e-3, 1e30]}, error_score=-9.0
    )
    with (
        ThreadPoolExecutor(1) as executor,
        joblib.parallel_config(backend="sknoise", executor=executor),
        pytest.warns(match="Training diverged"),
    ):
        search.fit(X, Y)
    assert search.cv_results_["mean_test_score"][1] == -9.0


class Stuck(Executor):
    """Never does anything."""

    def __init__(self):
        self.futures = []

    def submit(self, fn, *args, **kwargs):
        self.futures.append(Future())
        return self.futures[-1]


def test_ctrl_c_cancels_what_waits_elsewhere():
    executor = Stuck()
    with (
        ctrl_c_once(lambda: executor.futures),
        joblib.parallel_config(backend="sknoise", executor=executor),
        pytest.raises(KeyboardInterrupt),
    ):
        clone(SEARCH).fit(X, Y)
    check_all_threads_end()
    assert all(future.cancelled() for future in executor.futures)


def test_a_pool_that_forks_is_refused():
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as executor,
        pytest.raises(ValueError, match="spawn"),
    ):
        joblib.parallel_config(backend="sknoise", executor=executor)
