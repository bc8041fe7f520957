"""Early stopping against Keras's own callback, which watches a run that did not stop."""

from dataclasses import replace
from itertools import product

import keras
import numpy as np
import pytest

from sknoise.training import _stack
from sknoise.training._stack import ended, run_stack, train_stack
from sknoise.training._types import Stopping
from tests.training.tasks import make_task, noise, with_model

# Its program is that of any rule, and so gives the same bits.
NEVER = Stopping("loss", 10**6, 0.0, restore=False)


def flat(weights):
    return np.concatenate([w.ravel() for w in weights])


class EpochAsWeights:
    """What Keras's callback needs of a model: its weights are the number of epochs done."""

    stop_training = False

    def get_weights(self):
        return self.n_epochs

    def set_weights(self, weights):
        self.n_epochs = weights


def replayed(stopping, history):
    """Give how many epochs Keras does, and of which epoch the weights are that it ends with."""
    model = EpochAsWeights()
    callback = keras.callbacks.EarlyStopping(
        stopping.monitor,
        stopping.min_delta,
        stopping.patience,
        mode="max" if stopping.monitor.endswith("accuracy") else "min",
        restore_best_weights=stopping.restore,
    )
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(len(history["loss"])):
        model.n_epochs = epoch + 1
        callback.on_epoch_end(epoch, {name: of[epoch] for name, of in history.items()})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, model.n_epochs


@pytest.fixture(params=[None, 8], ids=["full batch", "minibatches"])
def task(rng, request):
    """Make a task whose figures go up and down."""
    return make_task(
        rng,
        n_validation=13,
        learning_rate=0.05,
        batch_size=request.param,
        epochs=60,
        noise=noise(input=[0.5], target=0.1),
        schedule=np.linspace(1, 0, 60, dtype=np.float32),
    )


def until(task, n_epochs):
    """Make the task end there, whatever the figures, in the same program."""
    return replace(task, stopping=NEVER, epochs=n_epochs, schedule=task.schedule[:n_epochs])


def rules():
    """Give rules of all sorts."""
    monitors = ("loss", "accuracy", "val_loss", "val_accuracy")
    everything = product(monitors, (0, 1, 3, 8, 100), (0.0, 0.02, 0.3), (False, True))
    return [Stopping(*rule) for rule in everything]


def test_stops_and_restores_as_keras_does(task):
    (whole,) = train_stack([until(task, 60)])
    ends = {}
    for rule in rules():
        n_epochs, best = replayed(rule, whole.history)
        (result,) = train_stack([replace(task, stopping=rule)])
        for name, figures in result.history.items():
            np.testing.assert_array_equal(figures, whole.history[name][:n_epochs])
        if best not in ends:
            (ends[best],) = train_stack([until(task, best)])
        np.testing.assert_array_equal(flat(result.state.weights), flat(ends[best].state.weights))
        assert result.state.n_epochs == n_epochs
        assert result.state.n_steps == n_epochs * task.n_batches
    # The rules differ.
    assert len(ends) > 10


def test_watching_does_not_change_training(task):
    (watched,) = train_stack([until(task, 60)])
    (plain,) = train_stack([task])
    np.testing.assert_allclose(flat(watched.state.weights), flat(plain.state.weights), atol=1e-6)
    for name, figures in plain.history.items():
        np.testing.assert_allclose(watched.history[name], figures, atol=1e-6)


@pytest.mark.parametrize("restore", [False, True])
def test_the_length_of_calls_changes_no_bit(task, restore, monkeypatch):
    task = replace(task, stopping=Stopping("val_loss", 6, 0.0, restore))
    (long,) = train_stack([task])
    # Calls of one epoch each.
    monkeypatch.setattr(_stack, "_CALL_SECONDS", 0)
    reports = []
    (short,) = train_stack([task], lambda done, figures: reports.append(done))
    n_epochs = len(long.history["loss"])
    assert reports == list(range(1, n_epochs + 1))
    assert 6 < n_epochs < 60
    np.testing.assert_array_equal(flat(short.state.weights), flat(long.state.weights))
    for name, figures in long.history.items():
        np.testing.assert_array_equal(short.history[name], figures)


@pytest.mark.parametrize("restore", [False, True])
def test_the_length_of_runs_changes_no_bit(task, restore):
    task = replace(task, stopping=Stopping("accuracy", 8, 0.0, restore))
    (long,) = train_stack([task])
    n_epochs = len(long.history["loss"])
    assert 14 < n_epochs < 60
    state, losses = task.model.state, []
    for start in range(0, n_epochs, 7):
        schedule = task.schedule[start : start + 7]
        rest = replace(with_model(task, state=state), epochs=len(schedule), schedule=schedule)
        (result,) = run_stack([rest])
        state = result.state
        losses.append(result.history["loss"])
    state = ended(task, state, n_epochs)
    np.testing.assert_array_equal(np.concatenate(losses), long.history["loss"])
    np.testing.assert_array_equal(flat(state.weights), flat(long.state.weights))
    assert (state.n_epochs, state.n_steps) == (long.state.n_epochs, long.state.n_steps)


def test_each_member_of_a_stack_by_its_own_rule(task):
    stopping = [*rules()[::7], NEVER]
    tasks = [with_model(replace(task, stopping=s), key=i) for i, s in enumerate(stopping)]
    results = train_stack(tasks)
    best = []
    for rule, result in zip(stopping, results, strict=True):
        n_epochs = len(result.history["loss"])
        # Where Keras would have gone on, it goes on to one epoch more.
        more = {k: v if n_epochs == 60 else [*v, v[-1]] for k, v in result.history.items()}
        stops, ends = replayed(rule, more)
        assert stops == n_epochs
        best.append(ends)
    ends = train_stack([until(t, n) for t, n in zip(tasks, best, strict=True)])
    for result, end in zip(results, ends, strict=True):
        np.testing.assert_array_equal(flat(result.state.weights), flat(end.state.weights))
    assert len(set(best)) > 5


@pytest.mark.parametrize("restore", [False, True])
def test_who_diverges_ends_with_its_last_weights_or_the_best(task, restore):
    stopping = Stopping("loss", 10**6, 0.0, restore)
    (result,) = train_stack([with_model(replace(task, stopping=stopping), learning_rate=1e38)])
    assert not np.isfinite(result.history["loss"][-1])
    assert np.isfinite(flat(result.state.weights)).all() == restore
