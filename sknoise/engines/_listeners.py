"""Who listens to a training run, and the run in calls of one epoch that listening takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from sknoise.training._types import Model, Progress, Result, Stop, Task


class Listener(Protocol):
    """Who listens to a training run, and may change its course."""

    def epoch_begin(self, epoch: int, model: Model) -> Model:
        """Hear that an epoch begins; give the model to train."""

    def epoch_end(self, epoch: int, figures: Mapping[str, float], model: Model) -> Model:
        """Hear that an epoch has ended; give the model to go on with."""

    @property
    def stops(self) -> bool:
        """Whether training is to end here."""

    def end(self, model: Model) -> Model:
        """Hear that training has ended; give the model to end with."""


def train_by_epochs(
    task: Task, listeners: Sequence[Listener], progress: Progress | None, stop: Stop
) -> Result:
    """Train in calls of one epoch, with listeners in between.

    Parameters
    ----------
    task : Task
    listeners : sequence of Listener
    progress : callable or None
        Called after each epoch.
    stop : callable
        Asked whether to end with the epochs done.

    Returns
    -------
    Result
    """
    from sknoise.training._stack import ended, run_stack

    model = task.model
    parts: dict[str, list[np.ndarray]] = {name: [] for name in task.figures}
    for epoch in range(task.epochs):
        for listener in listeners:
            model = listener.epoch_begin(epoch, model)
        schedule = None if task.schedule is None else task.schedule[epoch : epoch + 1]
        one = replace(task, model=model, epochs=1, schedule=schedule)
        (result,) = run_stack([one], stop=stop)
        if not len(result.history["loss"]):
            break
        model = replace(model, state=result.state)
        for name, figure in result.history.items():
            parts[name].append(figure)
        figures = {name: float(figure[0]) for name, figure in result.history.items()}
        for listener in listeners:
            model = listener.epoch_end(epoch, figures, model)
        if progress is not None:
            progress(epoch + 1, figures)
        best, rule = model.state.best, task.stopping
        # As Keras has it, an epoch that improves never stops, whatever the patience.
        patience_lost = rule and best and best.wait >= max(rule.patience, 1)
        if stop() or patience_lost or any(listener.stops for listener in listeners):
            break
        if not np.isfinite(figures["loss"]):
            break
    none = np.zeros(0)
    history = {name: np.concatenate([none, *figures]) for name, figures in parts.items()}
    state = ended(task, model.state, len(history["loss"]))
    model = replace(model, state=state)
    for listener in listeners:
        model = listener.end(model)
    return Result(model.state, history)
