"""A call that is left: soon, without a result, and without harm to the next."""

import threading

import numpy as np
import pytest

from sknoise.training import _leave
from sknoise.training._leave import call_or_leave
from sknoise.training._program import Program
from sknoise.training._stack import train_stack
from sknoise.training._types import never
from tests.training.tasks import make_task
from tests.waiting import LONG


def test_nobody_stops_it():
    here = threading.get_ident()
    assert call_or_leave(never, threading.get_ident) == here
    assert call_or_leave(lambda: False, pow, 2, 3) == 8


def test_what_it_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        call_or_leave(lambda: False, lambda: 1 / 0)


@pytest.mark.timeout(LONG)
@pytest.mark.parametrize(("grace", "seconds", "given"), [(LONG, 0.2, "whole"), (0.1, None, None)])
def test_it_is_left_unless_it_ends_soon(grace, seconds, given, monkeypatch):
    monkeypatch.setattr(_leave, "_GRACE", grace)
    go = threading.Event()

    def call():
        go.wait(seconds)
        return "whole"

    try:
        assert call_or_leave(lambda: True, call) == given
    finally:
        go.set()


@pytest.mark.timeout(LONG)
def test_a_run_keeps_the_epochs_done_before_the_call_that_is_left(rng, monkeypatch):
    task = make_task(rng, epochs=30)
    (whole,) = train_stack([task])
    monkeypatch.setattr(_leave, "_GRACE", 0.0)
    calls, go = [], threading.Event()
    run = Program.__call__

    def slow(self, state, inputs, epochs):
        calls.append(epochs)
        if len(calls) > 2:
            go.wait()
        return run(self, state, inputs, epochs)

    monkeypatch.setattr(Program, "__call__", slow)
    try:
        (left,) = train_stack([task], stop=lambda: len(calls) > 2)
    finally:
        go.set()
    done = left.state.n_epochs
    assert 0 < done == sum(calls[:2]) == len(left.history["loss"]) < 30
    np.testing.assert_array_equal(left.history["loss"], whole.history["loss"][:done])


@pytest.mark.timeout(LONG)
def test_no_epoch_done(rng, monkeypatch):
    task = make_task(rng, epochs=3)
    go = threading.Event()
    monkeypatch.setattr(_leave, "_GRACE", 0.0)
    monkeypatch.setattr(Program, "__call__", lambda *arguments: go.wait())
    told = []
    try:
        (left,) = train_stack([task], lambda *figures: told.append(figures), lambda: True)
    finally:
        go.set()
    assert left.state.n_epochs == len(left.history["loss"]) == len(told) == 0
    for kept, given in zip(left.state.weights, task.model.state.weights, strict=True):
        np.testing.assert_array_equal(kept, given)
