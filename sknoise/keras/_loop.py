"""What Keras's own loop needs to train a task: its batches, its figures, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from sknoise.keras._model import PURE_LOSS
from sknoise.training._types import Model, Progress, Stop, Stopping, Task


def metric_name(figure: str, model: Model) -> str:
    """Give Keras's name of one of our figures."""
    return figure.replace("loss", PURE_LOSS) if model.penalty else figure


def early_stopping(rule: Stopping, task: Task) -> keras.callbacks.EarlyStopping:
    """Give Keras's early stopping by a rule of ours."""
    return keras.callbacks.EarlyStopping(
        monitor=metric_name(rule.monitor, task.model),
        min_delta=rule.min_delta,
        patience=rule.patience,
        mode="max" if rule.monitor.endswith("accuracy") else "min",
        restore_best_weights=rule.restore,
    )


def column(y: np.ndarray) -> np.ndarray:
    """Give labels as a column; targets have columns already."""
    return y[:, None] if y.ndim == 1 else y


def build_metrics(model: keras.Model, task: Task) -> None:
    """Build the metrics of a model, which Keras does in its first step.

    Callbacks ask them whether more is better.
    """
    rows = task.data
    model.compute_metrics(None, column(rows.y[:1]), model(rows.X[:1]))
    model.reset_metrics()


class Batches(keras.utils.PyDataset):
    """The minibatches of each epoch.

    Keras's own shuffling draws from TensorFlow's global generator, so the batches come
    from here, in an order that follows from the task's key.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._task = task
        self._epoch = task.model.state.n_epochs
        self._order = self._ordered()

    def __len__(self) -> int:
        return self._task.n_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = self._task.batch_size
        rows = self._task.data
        chosen = self._order[index * size : (index + 1) * size]
        return rows.X[chosen], column(rows.y[chosen]), rows.weight[chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._ordered()

    def _ordered(self) -> np.ndarray:
        n_rows = len(self._task.data)
        if not self._task.shuffle or len(self) == 1:
            return np.arange(n_rows)
        return np.random.default_rng([self._task.model.key, self._epoch]).permutation(n_rows)


class BrokenOffError(Exception):
    """Leaves an epoch. Told to stop in one, Keras's loop would still validate, and count it."""


class Guard(keras.callbacks.Callback):
    """Stops where the loss is no longer finite, or where it is told to.

    Parameters
    ----------
    stop : callable
    optimizer : list of keras.Variable
        What ``restore`` sets back beside the weights.

    Attributes
    ----------
    logs : dict of str to float
        Keras's figures of the last whole epoch.
    """

    def __init__(self, stop: Stop, optimizer: list[keras.Variable]) -> None:
        super().__init__()
        self._stop = stop
        self._optimizer = optimizer
        self.logs: dict[str, float] = {}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._keep()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._keep()
        self.logs = logs or {}
        if self._stop() or not np.isfinite(self.logs["loss"]):
            self.model.stop_training = True

    # Not at the end of a batch, where Keras would wait for its figures.
    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._stop():
            raise BrokenOffError

    on_test_batch_begin = on_train_batch_begin

    def restore(self) -> None:
        """Set the model back to the end of the last whole epoch."""
        weights, optimizer = self._kept
        self.model.set_weights(weights)
        for variable, value in zip(self._optimizer, optimizer, strict=True):
            variable.assign(value)

    def _keep(self) -> None:
        self._kept = self.model.get_weights(), [ops.convert_to_numpy(v) for v in self._optimizer]


class Snapshots(keras.callbacks.Callback):
    """Notes the weights after some epochs.

    Parameters
    ----------
    epochs : sequence of int
        Numbers of epochs.

    Attributes
    ----------
    weights : list of list of ndarray
        Those noted so far.
    """

    def __init__(self, epochs: Sequence[int]) -> None:
        super().__init__()
        self._epochs = set(epochs)
        self.weights: list[list[np.ndarray]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch + 1 in self._epochs:
            self.weights.append(self.model.get_weights())


class Reporter(keras.callbacks.Callback):
    """Tells of each epoch.

    Parameters
    ----------
    task : Task
        What is trained.
    progress : callable
        Called with the number of epochs done and our figures.
    """

    def __init__(self, task: Task, progress: Progress) -> None:
        super().__init__()
        self._task = task
        self._progress = progress

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Pass the figures on."""
        names = {k: metric_name(k, self._task.model) for k in self._task.figures}
        self._progress(epoch + 1, {k: (logs or {})[name] for k, name in names.items()})
