"""The networks of a cross-validation: read into tasks one by one, trained all together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np

from sknoise.engines import Order, Trained, choose, prepare, train
from sknoise.estimators import check_finite
from sknoise.parallel import in_stacks
from sknoise.tasks import Measured, schedule_factors
from sknoise.training._types import Rows, State, Stopping, Task, never

# A network whose loss has not improved for this fraction of all epochs can hardly win any more;
# but who is asked for few epochs wants them.
_PATIENCE, _LEAST_PATIENCE = 1 / 4, 20


@dataclass(frozen=True)
class Data:
    """What ``fit`` was given.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float32
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Checked, as a network reads it.
    weight : ndarray of shape (n_rows,), dtype float64
        How many rows each stands for.
    judged : Rows
        What networks are validated on, all rows.
    given : tuple
        X, y and the weights as users gave them.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    judged: Rows
    given: tuple[Any, Any, Any]


@dataclass(frozen=True)
class Member:
    """A network to train.

    Parameters
    ----------
    estimator : BaseNoisyMLP
        It has seen the data, but is not fitted.
    task : Task
    measured : Measured
    """

    estimator: Any
    task: Task
    measured: Measured

    @property
    def n_steps(self) -> int:
        """Number of steps of the optimizer."""
        return self.task.epochs * self.task.n_batches

    def lasting(self, factor: float) -> Member:
        """Give the member with so many times the epochs."""
        epochs = max(1, round(factor * self.task.epochs))
        schedule = schedule_factors(self.estimator.noise_schedule, epochs)
        return replace(self, task=replace(self.task, epochs=epochs, schedule=schedule))

    def ending(self, epochs: int) -> Member:
        """Give the member that does what this one does, but ends after so many epochs."""
        schedule = self.task.schedule
        part = None if schedule is None else schedule[:epochs]
        return replace(self, task=replace(self.task, epochs=epochs, schedule=part))

    def watched(self, epochs: tuple[int, ...]) -> Member:
        """Give the member that notes its weights, and ends when it can hardly win any more."""
        patience = max(_LEAST_PATIENCE, math.ceil(_PATIENCE * self.task.epochs))
        stopping = Stopping("val_loss", patience, 0.0, restore=False)
        return replace(self, task=replace(self.task, stopping=stopping, snapshots=epochs))

    def order(self, engine: str) -> Order:
        """Give what to ask an engine for."""
        nothing = np.zeros(0)
        order = self.estimator._order(self.task, False, nothing, nothing)
        # scikit-learn's callbacks are told of the fit of the whole, not of each network.
        return replace(order, engine=engine, listeners=lambda task: [])


def train_members(members: Sequence[Member], n_folds: int = 1) -> list[Trained]:
    """Train networks, as stacks where the engine can.

    Parameters
    ----------
    members : sequence of Member
    n_folds : int, default=1
        Number of folds that they belong to.

    Returns
    -------
    list of Trained
        A history may end early, where a loss was not finite or a member gave up.
    """
    prepare()
    first = members[0]
    engine = choose(first.estimator.engine, first.task, ())
    orders = [member.order(engine) for member in members]
    with in_stacks(n_folds, -(-len(orders) // n_folds)):
        return joblib.Parallel()(joblib.delayed(train)(order, never) for order in orders)


def fit_members(members: Sequence[Member], changed: Callable[[Trained], Trained]) -> list[Any]:
    """Train networks, and give them fitted.

    Parameters
    ----------
    members : sequence of Member
    changed : callable
        Gives what came of each as it is to predict.

    Returns
    -------
    list of BaseNoisyMLP
    """
    pairs = zip(members, train_members(members), strict=True)
    return [fitted(member, changed(trained)) for member, trained in pairs]


def fitted(member: Member, trained: Trained) -> Any:
    """Give a network with what came of its training.

    Parameters
    ----------
    member : Member
    trained : Trained

    Returns
    -------
    BaseNoisyMLP
        The member's own.

    Raises
    ------
    ValueError
        If it diverged.
    """
    check_finite(trained, member.estimator.learning_rate)
    member.estimator._set_fitted(trained, member.measured, False)
    return member.estimator


def at_snapshot(member: Member, trained: Trained, length: int) -> Trained:
    """Give a network as it was at one of its snapshots.

    Parameters
    ----------
    member : Member
    trained : Trained
        What came of it.
    length : int
        Index of the snapshot; a network that had given up by then stayed as it was.

    Returns
    -------
    Trained
    """
    n_epochs = min(member.task.snapshots[length], len(trained.history["loss"]))
    weights = trained.model.state.weights
    # Snapshots that fall on one epoch are one.
    noted = sorted(set(member.task.snapshots)).index(member.task.snapshots[length])
    if noted < len(trained.snapshots):
        weights = trained.snapshots[noted]
    state = State(weights, [], n_epochs, n_epochs * member.task.n_batches)
    history = {name: figure[:n_epochs] for name, figure in trained.history.items()}
    model = replace(trained.model, state=state)
    return replace(trained, model=model, history=history, wrapper=None, snapshots=[])
