"""Callbacks of Keras and of scikit-learn, between the epochs of either engine."""

import threading

import joblib
import keras
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

has_callbacks = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn has callbacks from 1.9 on",
)
ENGINES = ["compiled", "keras"]


def small(**options):
    defaults = {"nodes": 10, "epochs": 6, "learning_rate": 0.01, "random_state": 0}
    return NoisyMLPClassifier(**defaults | options)


class Diary(keras.callbacks.Callback):
    """Writes down what it is told, and the weights that it sees."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.calls = []
        self.logs = []
        self.stop_at = stop_at

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} ends")
        self.logs.append(logs)
        self.n_steps = int(self.model.optimizer.iterations)
        self.rate = float(self.model.optimizer.learning_rate)
        self.weights = self.model.get_weights()
        self.model.stop_training = epoch == self.stop_at

    def on_train_end(self, logs=None):
        self.calls.append("end")
        self.last = logs


@pytest.mark.parametrize("engine", ENGINES)
def test_keras_callbacks_hear_of_each_epoch(blobs, engine):
    X, y = blobs
    diary = Diary(stop_at=2)
    # Keras's own figures have the penalty in them.
    clf = small(callbacks=[diary], engine=engine, alpha=0).fit(X, y, X_val=X, y_val=y)
    # Each fit has its own copy, but not of what its attributes hold.
    (copy,) = clf.callbacks_
    assert copy is not diary
    assert copy.calls is diary.calls
    assert not hasattr(diary, "last")
    epochs = [call for e in range(3) for call in (f"epoch {e}", f"epoch {e} ends")]
    assert copy.calls == ["begin", *epochs, "end"]
    assert clf.n_iter_ == 3
    assert set(clf.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for name, figures in clf.history_.items():
        assert [log[name] for log in copy.logs] == pytest.approx(figures)
    for seen, ours in zip(copy.weights[::2], clf.coefs_, strict=True):
        np.testing.assert_array_equal(seen, ours)
    assert copy.last == copy.logs[-1]
    assert copy.model.history.history.keys() == clf.history_.keys()


@pytest.mark.parametrize("engine", ENGINES)
def test_callbacks_see_the_steps_of_the_optimizer(blobs, engine):
    X, y = blobs
    config = {"initial_learning_rate": 0.05, "decay_steps": 1, "decay_rate": 0.9}
    schedule = {"class_name": "ExponentialDecay", "config": config}
    clf = small(callbacks=[Diary()], engine=engine, batch_size=10, warm_start=True, epochs=2)
    clf.set_params(learning_rate=schedule)
    for n_steps in (8, 16):
        (diary,) = clf.fit(X, y).callbacks_
        assert diary.n_steps == n_steps
        assert diary.rate == pytest.approx(0.05 * 0.9**n_steps)


WATCHERS = {
    "EarlyStopping": lambda name, path: keras.callbacks.EarlyStopping(name, patience=2),
    "ReduceLROnPlateau": lambda name, path: keras.callbacks.ReduceLROnPlateau(name, patience=0),
    "ModelCheckpoint": lambda name, path: keras.callbacks.ModelCheckpoint(
        path, name, save_best_only=True, save_weights_only=True
    ),
}


@pytest.mark.parametrize("watcher", WATCHERS)
@pytest.mark.parametrize("labels", ["two", "three", "several"])
def test_callbacks_know_that_more_accuracy_is_better(blobs, watcher, labels, tmp_path):
    X, y = blobs
    y = {"two": y > 0, "three": y, "several": np.stack([y > 0, y > 1], axis=1)}[labels]
    for name in ("accuracy", "val_accuracy"):
        watching = WATCHERS[watcher](name, str(tmp_path / "best.weights.h5"))
        clf = small(callbacks=[watching], engine="compiled", epochs=4)
        (watching,) = clf.fit(X, y, X_val=X, y_val=y).callbacks_
        assert watching.monitor_op(1.0, 0.0)
        assert not watching.monitor_op(0.0, 1.0)
        assert watching.best == pytest.approx(clf.history_[name].max())


@pytest.mark.parametrize(("engine", "name"), [("compiled", "loss"), ("keras", "pure_loss")])
def test_where_callbacks_see_the_penalty(blobs, engine, name):
    X, y = blobs
    clf = small(callbacks=[Diary()], engine=engine, alpha=1).fit(X, y, X_val=X, y_val=y)
    (diary,) = clf.callbacks_
    for prefix in ("", "val_"):
        seen = np.array([[log[prefix + name], log[prefix + "loss"]] for log in diary.logs]).T
        np.testing.assert_allclose(seen[0], clf.history_[prefix + "loss"])
        assert (seen[1] > seen[0] + 0.01).all() == (engine == "keras")


def test_listening_changes_nothing(blobs):
    X, y = blobs
    options = {"noise_schedule": "linear", "batch_size": 16}
    with_diary = small(callbacks=[Diary()], **options).fit(X, y)
    without = small(**options).fit(X, y)
    for a, b in zip(with_diary.coefs_, without.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(with_diary.history_["loss"], without.history_["loss"])


def test_a_schedule_of_the_learning_rate_goes_on_beside_callbacks(blobs):
    X, y = blobs
    steps = {"initial_learning_rate": 0.05, "decay_steps": 2, "decay_rate": 0.5}
    options = {"learning_rate": {"class_name": "ExponentialDecay", "config": steps}}
    with_diary = small(callbacks=[Diary()], **options).fit(X, y)
    np.testing.assert_array_equal(with_diary.coefs_[0], small(**options).fit(X, y).coefs_[0])


def test_the_bar_shows_beside_callbacks(blobs, capsys):
    small(callbacks=[Diary()], verbose=1).fit(*blobs)
    assert "6/6 epochs" in capsys.readouterr().out


def test_divergence_ends_the_epochs(blobs):
    X, y = blobs
    epochs = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    clf = small(optimizer="sgd", learning_rate=1e30, epochs=50, callbacks=[note])
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X * 1e10, y)
    assert epochs == list(range(len(epochs)))
    assert len(epochs) < 5


@pytest.mark.parametrize("patience", [0, 2])
def test_early_stopping_beside_callbacks(blobs, patience):
    X, y = blobs
    options = {"early_stopping": True, "epochs": 200, "learning_rate": 0.1}
    options["patience"] = patience
    with_diary = small(callbacks=[Diary()], **options).fit(X, y)
    without = small(**options).fit(X, y)
    assert with_diary.n_iter_ == without.n_iter_ < 200
    np.testing.assert_array_equal(with_diary.coefs_[0], without.coefs_[0])


def test_what_keras_callbacks_set_counts(blobs):
    X, y = blobs
    halved = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    # Halved before each epoch, as a schedule of steps would have it.
    steps = {"initial_learning_rate": 0.005, "decay_steps": 1, "decay_rate": 0.5}
    schedule = {"class_name": "ExponentialDecay", "config": steps}
    ours = small(callbacks=[halved], batch_size=None).fit(X, y)
    theirs = small(learning_rate=schedule, batch_size=None).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-6)

    class Zero(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights([0 * w for w in self.model.get_weights()])

    zeroed = small(callbacks=[Zero()]).fit(X, y)
    assert not any(w.any() for w in zeroed.coefs_)


def test_keras_early_stopping_is_ours(blobs):
    X, y = blobs
    options = {"epochs": 100, "learning_rate": 0.1}
    theirs = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    a = small(callbacks=[theirs], **options).fit(X, y, X_val=X, y_val=y)
    b = small(early_stopping=True, patience=3, **options).fit(X, y, X_val=X, y_val=y)
    assert a.n_iter_ == b.n_iter_ < 100
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])


class Batches(keras.callbacks.Callback):
    n = 0

    def on_train_batch_end(self, batch, logs=None):
        self.n += 1


def test_who_listens_to_batches_gets_keras_with_a_reason(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="the callback Batches listens to on_train_batch_end"):
        clf = small(callbacks=[Batches()], epochs=2, batch_size=10).fit(X, y)
    assert clf.callbacks_[0].n == 8
    with pytest.raises(ValueError, match="engine='compiled' cannot be used: the callback Batches"):
        clf.set_params(engine="compiled").fit(X, y)


def test_checkpoints_of_epochs_need_no_batches(blobs, tmp_path, recwarn):
    X, y = blobs
    path = str(tmp_path / "{epoch}.weights.h5")
    saving = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    clf = small(callbacks=[saving], epochs=3, engine="compiled").fit(X, y)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{i}.weights.h5" for i in (1, 2, 3)]
    clf.model_.load_weights(tmp_path / "3.weights.h5")
    np.testing.assert_array_equal(clf.model_.get_weights()[0], clf.coefs_[0])


class Study:
    """Collects what it is told, and can be neither copied nor pickled."""

    def __init__(self):
        self.reports = []
        self.lock = threading.Lock()

    def report(self, epoch, logs):
        with self.lock:
            self.reports.append(epoch)


class Pruning(keras.callbacks.Callback):
    def __init__(self, study):
        super().__init__()
        self.study = study

    def on_epoch_end(self, epoch, logs=None):
        self.study.report(epoch, logs)
        if len(self.study.reports) == 40:
            raise TrialPrunedError


class TrialPrunedError(Exception):
    pass


@pytest.mark.parametrize(
    "reporting",
    [Pruning, lambda study: keras.callbacks.LambdaCallback(on_epoch_end=study.report)],
    ids=["attribute", "method"],
)
@pytest.mark.parametrize("backend", ["threading", "sknoise"])
def test_what_callbacks_hold_is_reached_from_all_fits(blobs, reporting, backend):
    X, y = blobs
    study = Study()
    clf = small(callbacks=[reporting(study)])
    with joblib.parallel_config(backend=backend, n_jobs=2):
        cross_val_score(make_pipeline(StandardScaler(), clf), X, y, cv=2)
        GridSearchCV(clf, {"alpha": [0, 1]}, cv=2, refit=False).fit(X, y)
    assert sorted(study.reports) == sorted([*range(6)] * 6)
    assert clone(clf).callbacks[0] is clf.callbacks[0]


def test_an_error_of_a_callback_ends_the_fit_as_such(blobs):
    study = Study()
    clf = small(callbacks=[Pruning(study)], epochs=50)
    with pytest.raises(TrialPrunedError):
        clf.fit(*blobs)
    assert study.reports == list(range(40))
    assert not hasattr(clf, "coefs_")


def test_numbers_of_a_callback_are_of_each_fit(blobs):
    class Counter(keras.callbacks.LambdaCallback):
        def __init__(self):
            # As bound here, the method is the original's.
            super().__init__(on_epoch_end=self.count)
            self.n = 0

        def count(self, epoch, logs):
            self.n += len(self.model.layers) > 0

    counter = Counter()
    clf = small(callbacks=[counter])
    assert [clf.fit(*blobs).callbacks_[0].n for _ in range(2)] == [6, 6]
    assert counter.n == 0


def test_callbacks_that_cannot_be_copied_are_named(blobs):
    class Own(keras.callbacks.Callback):
        def __copy__(self):
            raise OSError("there is one only")

    with pytest.raises(TypeError, match=r"callbacks has .*Own.*copy: there is one only\. Give"):
        small(callbacks=[Own()]).fit(*blobs)


def test_clones_of_callbacks_are_checked_as_others_are():
    class Changes(NoisyMLPClassifier):
        def __init__(self, callbacks=None):
            super().__init__(callbacks=list(callbacks or []))

    with pytest.raises(RuntimeError, match="either does not set or modifies parameter callbacks"):
        clone(Changes(callbacks=[Diary()]))


@pytest.mark.parametrize("wrong", [Diary, "diary", None])
def test_what_is_no_callback_is_refused(blobs, wrong):
    with pytest.raises(TypeError, match=r"callbacks has .* no instance of keras"):
        small(callbacks=[wrong]).fit(*blobs)


class Listener:
    """A scikit-learn callback that scores the network after each epoch."""

    def __init__(self, stop_at=None):
        self.scores = []
        self.calls = []
        self.stop_at = stop_at

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.calls.append(f"{context.task_name} ends")
        self.scores.append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id == self.stop_at


@has_callbacks
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", [NoisyMLPClassifier, NoisyMLPRegressor])
def test_scikit_learn_callbacks_hear_of_each_epoch(blobs, engine, kind):
    X, y = blobs
    listener = Listener(stop_at=1)
    est = kind(10, epochs=6, random_state=0, engine=engine).set_callbacks(listener).fit(X, y)
    assert listener.calls == [
        "setup",
        "fit begins",
        "epoch begins",
        "epoch ends",
        "epoch begins",
        "epoch ends",
        "fit ends",
        "teardown",
    ]
    assert est.n_iter_ == 2
    # scikit-learn's callbacks get the data as it was checked: in float32.
    assert listener.scores[-1] == pytest.approx(est.score(X, y))
    # The network of an epoch is not the one of the next.
    once = kind(10, epochs=1, random_state=0, engine=engine).fit(X, y)
    assert listener.scores[0] == pytest.approx(once.score(X, y))


@has_callbacks
def test_a_failed_fit_tears_scikit_learn_callbacks_down(blobs):
    X, y = blobs
    listener = Listener()
    clf = small(optimizer="sgd", learning_rate=1e30).set_callbacks(listener)
    # Of what the listener scores.
    with pytest.raises(ValueError, match="prediction for row 0 of X is not finite"):
        clf.fit(X * 1e10, y)
    assert listener.calls[-1] == "teardown"
    assert not hasattr(clf, "coefs_")


@has_callbacks
def test_scikit_learns_own_callbacks(blobs, capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    X, y = blobs
    monitor = ScoringMonitor(scoring="accuracy")
    clf = small().set_callbacks(monitor, ProgressBar()).fit(X, y)
    assert "NoisyMLPClassifier - fit" in capsys.readouterr().out
    scores = monitor.get_logs().data_as_pandas
    assert list(scores["task_name"]) == ["fit"] + ["epoch"] * 6
    assert scores["accuracy"].iloc[-1] == scores["accuracy"].iloc[0] == clf.score(X, y)


@has_callbacks
def test_callbacks_reach_through_a_search(blobs, capsys):
    from sklearn.callback import ProgressBar

    X, y = blobs
    search = GridSearchCV(small(), {"noise_hidden": [0.0, 0.5]}, cv=2)
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    search.set_callbacks(ProgressBar()).fit(X, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores)
    assert "NoisyMLPClassifier" in capsys.readouterr().out
