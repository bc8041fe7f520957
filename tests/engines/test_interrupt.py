"""Ctrl-C in a fit: it stops soon, warns, and leaves the model of the epochs done."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknoise import NoisyMLPClassifier
from sknoise.engines._interrupt import import_apart
from sknoise.keras._loop import Guard
from sknoise.training._program import Program
from tests.waiting import LONG, counted_calls, ctrl_c_once

ENDLESS = 10**7


@pytest.fixture
def sigint():
    """Let Ctrl-C raise, also where a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class CtrlC(keras.callbacks.Callback):
    """Presses Ctrl-C in an epoch, once or more."""

    def __init__(self, epoch, times=1):
        super().__init__()
        self.epoch = epoch
        self.times = times

    def on_epoch_end(self, epoch, logs=None):
        for _ in range(self.times if epoch + 1 == self.epoch else 0):
            os.kill(os.getpid(), signal.SIGINT)


def small(**options):
    return NoisyMLPClassifier(**{"nodes": 8, "epochs": 20, "random_state": 0} | options)


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_rests_while_a_module_is_imported(tmp_path, monkeypatch, collects):
    name = f"imported_where_collector_was_{collects}"
    (tmp_path / f"{name}.py").write_text("import gc\ncollects = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    (gc.enable if collects else gc.disable)()
    try:
        import_apart(name)
        assert gc.isenabled() == collects
    finally:
        gc.enable()
    assert not sys.modules.pop(name).collects


ROUTES = [
    {},
    {"batch_size": 8, "early_stopping": True, "monitor": "loss", "patience": ENDLESS},
    {"callbacks": [keras.callbacks.Callback()]},
    {"engine": "keras"},
]


@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("route", ROUTES, ids=["compiled", "stopping", "callbacks", "keras"])
def test_ctrl_c_leaves_the_model_of_the_epochs_done(circles, route):
    X, _, y, _ = circles
    clf = small(epochs=ENDLESS, **route)
    by_keras = clf.engine == "keras"
    with (
        counted_calls(*(Guard, "on_epoch_end") if by_keras else (Program, "__call__")) as calls,
        ctrl_c_once(lambda: calls),
        pytest.warns(UserWarning, match=f"after .* of {ENDLESS} epochs"),
    ):
        clf.fit(X, y)
    assert 1 <= clf.n_iter_ == len(clf.history_["loss"]) < ENDLESS
    whole = small(epochs=clf.n_iter_, **route).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))
    np.testing.assert_array_equal(clf.history_["loss"], whole.history_["loss"])


@pytest.fixture
def endless_call(sigint, monkeypatch):
    """Press Ctrl-C in one of the program's calls, which then does not end before the test."""
    go, calls, run = threading.Event(), [], Program.__call__

    def patch(number):
        def call(*arguments):
            calls.append(arguments)
            if len(calls) == number:
                os.kill(os.getpid(), signal.SIGINT)
                go.wait()
            return run(*arguments)

        monkeypatch.setattr(Program, "__call__", call)

    yield patch
    go.set()


@pytest.mark.timeout(LONG)
def test_an_epoch_that_takes_long_is_left_beside_callbacks_too(circles, endless_call):
    X, _, y, _ = circles
    endless_call(3)
    clf = small(callbacks=[keras.callbacks.Callback()])
    with pytest.warns(UserWarning, match="interrupted after 2 of 20"):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 2
    np.testing.assert_array_equal(clf.coefs_[0], small(epochs=2).fit(X, y).coefs_[0])


@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("callbacks", [None, [keras.callbacks.Callback()]])
def test_before_the_first_epoch(circles, endless_call, callbacks):
    X, _, y, _ = circles
    endless_call(1)
    with pytest.warns(UserWarning, match="interrupted after 0 of 20"):
        clf = small(callbacks=callbacks).fit(X, y)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 0
    assert np.isfinite(clf.predict_proba(X)).all()


IMPORTING = """
import os, signal, sys, threading
import numpy as np
from sknoise import NoisyMLPClassifier

go = threading.Event()

class PressCtrlC:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
            go.wait()

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, PressCtrlC())
X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
clf = NoisyMLPClassifier(3, epochs=2)
try:
    clf.fit(X, y)
except KeyboardInterrupt:
    print("interrupted", hasattr(clf, "n_iter_"))
    go.set()
print(clf.fit(X, y).n_iter_)
"""


@pytest.mark.timeout(LONG)
def test_while_keras_is_imported_it_raises_at_once_and_the_next_fit_works():
    modules = {"tensorflow": "tensorflow.python.framework.ops", "jax": "jax._src.lax"}
    command = [sys.executable, "-c", IMPORTING, modules[keras.backend.backend()]]
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    assert out.stdout.splitlines() == ["interrupted False", "2"]


class CtrlCInTheMiddle(keras.callbacks.Callback):
    """Presses Ctrl-C within an epoch, in its training or in its validation."""

    def __init__(self, epoch, hook):
        super().__init__()
        self.epoch = epoch
        self.hook = hook
        self.heard = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = epoch + 1

    def on_epoch_end(self, epoch, logs=None):
        self.heard.append(epoch + 1)

    def on_train_end(self, logs=None):
        self.heard.append("end")

    def _press(self, hook):
        if (self.begun, hook) == (self.epoch, self.hook):
            os.kill(os.getpid(), signal.SIGINT)

    def on_train_batch_begin(self, batch, logs=None):
        self._press("train")

    def on_test_batch_begin(self, batch, logs=None):
        self._press("test")


@pytest.mark.usefixtures("sigint")
@pytest.mark.parametrize(("epoch", "hook"), [(1, "train"), (3, "train"), (3, "test")])
def test_an_epoch_of_keras_loop_is_left_in_its_middle(circles, epoch, hook):
    X, X_val, y, y_val = circles
    options = {"engine": "keras", "batch_size": 8, "noise_hidden": 0.1}
    clf = small(**options, callbacks=[CtrlCInTheMiddle(epoch, hook)])
    with pytest.warns(UserWarning, match=f"interrupted after {epoch - 1} of 20"):
        clf.fit(X, y, X_val=X_val, y_val=y_val)
    done = epoch - 1
    assert clf.callbacks_[0].heard == [*range(1, epoch), "end"]
    assert clf.n_iter_ == len(clf.history_["loss"]) == len(clf.history_["val_loss"]) == done
    if done:
        whole = small(**options, epochs=done).fit(X, y, X_val=X_val, y_val=y_val)
        np.testing.assert_array_equal(clf.coefs_[0], whole.coefs_[0])
        np.testing.assert_array_equal(clf.history_["val_loss"], whole.history_["val_loss"])
        assert clf._fitted.state.n_steps == whole._fitted.state.n_steps
        for left, ended in zip(
            clf._fitted.state.optimizer, whole._fitted.state.optimizer, strict=True
        ):
            np.testing.assert_array_equal(left, ended)
        np.testing.assert_array_equal(clf.model_.get_weights()[0], whole.coefs_[0])
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.parametrize("engine", ["compiled", "keras"])
@pytest.mark.usefixtures("sigint")
def test_a_warm_start_goes_on_from_there(circles, engine):
    X, _, y, _ = circles
    clf = small(engine=engine, warm_start=True, callbacks=[CtrlC(3)])
    with pytest.warns(UserWarning, match="interrupted after 3 of 20 epochs"):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 3
    clf.set_params(callbacks=None, epochs=4).fit(X, y)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 7
    if engine == "compiled":  # Keras's noise starts anew.
        np.testing.assert_array_equal(clf.coefs_[0], small(epochs=7).fit(X, y).coefs_[0])


@pytest.mark.usefixtures("sigint")
def test_a_second_ctrl_c_raises_and_leaves_the_fitted_model_alone(circles):
    X, _, y, _ = circles
    clf = small(epochs=5).fit(X, y)
    p = clf.predict_proba(X)
    with pytest.raises(KeyboardInterrupt):
        clf.set_params(callbacks=[CtrlC(3, times=2)], random_state=1).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), p)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("sigint")
def test_in_a_search_it_ends_the_fit_under_way_as_with_scikit_learns_mlp(circles):
    X, _, y, _ = circles
    grid = {"callbacks": [[CtrlC(2)], None]}
    split = [(np.arange(20), np.arange(20, 30))]
    search = GridSearchCV(small(), grid, cv=split, error_score="raise", refit=False)
    with pytest.warns(UserWarning, match="interrupted after 2 of 20 epochs"):
        search.fit(X, y)
    one = clone(search).set_params(estimator__epochs=2, param_grid={"callbacks": [None]})
    both = search.cv_results_["mean_test_score"]
    assert both[0] == one.fit(X, y).cv_results_["mean_test_score"][0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("sigint")
def test_a_handler_of_the_users_own_stays(circles):
    X, _, y, _ = circles
    heard = []

    def own(number, frame):
        heard.append(number)

    signal.signal(signal.SIGINT, own)
    assert small(callbacks=[CtrlC(3)]).fit(X, y).n_iter_ == 20
    assert heard == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is own


@pytest.mark.usefixtures("sigint")
def test_a_fit_in_a_thread_leaves_ctrl_c_to_the_main_one(circles):
    X, _, y, _ = circles
    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        future = pool.submit(small(callbacks=[CtrlC(3)]).fit, X, y)
        while not future.done():
            time.sleep(0.01)
        time.sleep(1)
    assert future.result().n_iter_ == 20
