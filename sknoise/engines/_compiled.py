"""The compiled engine: alone, in a stack with the other jobs of a search, or epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sknoise.engines._callbacks import KerasListener, reason_against_epochs
from sknoise.engines._keras import made_of
from sknoise.engines._listeners import train_by_epochs
from sknoise.engines._types import Engine, Run
from sknoise.parallel import current_job
from sknoise.training._spec import reason_against_compiling
from sknoise.training._types import Result, Task

if TYPE_CHECKING:
    from sknoise.engines._types import Wrapper


def _reason_against(task: Task, callbacks: Sequence[Any]) -> str | None:
    return reason_against_compiling(task.model.optimizer) or reason_against_epochs(callbacks)


def _train(run: Run) -> tuple[Result, Wrapper | None]:
    job = current_job()
    listeners = list(run.listeners)
    if job is not None and not run.callbacks and not listeners:
        return job.scheduler.train(job, run.task, verbose=run.verbose), None
    with run.progress() as progress:
        if run.callbacks:
            made = made_of(run.task.model)
            listeners.append(KerasListener(run.callbacks, run.task, made))
        if listeners:
            return train_by_epochs(run.task, listeners, progress, run.stop), None
        from sknoise.training._stack import train_stack

        return train_stack([run.task], progress, run.stop)[0], None


COMPILED = Engine(
    _train,
    _reason_against,
    refusal="engine='compiled' cannot be used: {reason}. Use engine='keras', or do without that.",
)
