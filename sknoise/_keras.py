"""The one module that knows scikeras: our networks as Keras models, trained by Keras's loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scikeras.wrappers import BaseWrapper, KerasClassifier, KerasRegressor

from sknoise.noise._layer import noise_layer
from sknoise.noise._sites import Site
from sknoise.training._types import Model, Progress, Result, State, Stop, Stopping, Task

# What exists in the compiled program only.
_ONLY_COMPILED = {
    "weights": "noise_weights",
    "gradient": "noise_gradient",
    "target": "noise_target",
}


# Keras's figure "loss" has the penalty in it; where there is one, this has not.
_PURE_LOSS = "pure_loss"


def reason_against_keras(task: Task) -> str | None:
    """Say why Keras's own loop cannot train a task; None where it can."""
    for site in task.model.noise.levels:
        if site.kind in _ONLY_COMPILED:
            return f"it has no {_ONLY_COMPILED[site.kind]}"
    return None if task.schedule is None else "it has no noise_schedule but 'constant'"


def build_model(model: Model, seed: tuple[int, ...]) -> keras.Sequential:
    """Build the Keras model of a network, not yet compiled.

    Parameters
    ----------
    model : Model
        Network and noise.
    seed : tuple of int
        Seed of the noise layers.

    Returns
    -------
    keras.Sequential
    """
    network = model.network
    n_features, *widths, n_outputs = network.sizes
    layers = [keras.Input((n_features,)), *_noise_at(Site("input"), "noise_input", model, seed)]
    for i, width in enumerate(widths, start=1):
        name = f"hidden_{i}"
        before = _noise_at(Site("hidden", i), f"noise_{name}", model, seed)
        if before:
            activation = keras.layers.Activation(
                network.activation, name=f"activation_{i}", dtype="float32"
            )
            layers += [_dense(width, None, name, model), *before, activation]
        else:
            layers.append(_dense(width, network.activation, name, model))
        layers += _noise_at(Site("activation", i), f"noise_activation_{i}", model, seed)
        layers += _noise_at(Site("dropout", i), f"dropout_{i}", model, seed)
    return keras.Sequential([*layers, _dense(n_outputs, network.output, "output", model)])


def _noise_at(
    site: Site, name: str, model: Model, seed: tuple[int, ...]
) -> list[keras.layers.Layer]:
    """Make the layer of a site; none where there is no noise."""
    noise = model.noise
    level = noise.levels.get(site)
    if level is None:
        return []
    # A seed of its own for each site, whatever other sites there are.
    (own,) = np.random.SeedSequence([*seed, site.number]).generate_state(1).tolist()
    if site.kind == "dropout":
        return [keras.layers.Dropout(level, seed=own, name=name, dtype="float32")]
    scale: Any = model.feature_scale if site.kind == "input" else None
    layer = noise_layer(
        level, own, noise.distribution, noise.multiplicative, scale, name=name, dtype="float32"
    )
    return [layer]


def _dense(units: int, activation: str | None, name: str, model: Model) -> keras.layers.Dense:
    # The initial weights are replaced by ours: a seed keeps Keras's global one untouched.
    initializer = keras.initializers.GlorotUniform(seed=0)
    # Made only where they act, for a plain model otherwise.
    constraint = keras.constraints.MaxNorm(model.max_norm) if np.isfinite(model.max_norm) else None
    regularizer = keras.regularizers.L2(model.penalty / 2) if model.penalty else None
    return keras.layers.Dense(
        units,
        activation,
        kernel_initializer=initializer,
        kernel_constraint=constraint,
        kernel_regularizer=regularizer,
        name=name,
        dtype="float32",
    )


def _keras_loss(model: Model) -> str:
    # Our labels are indices of classes.
    name = model.network.loss
    return "sparse_categorical_crossentropy" if name == "categorical_crossentropy" else name


class _NoisyKeras(BaseWrapper):
    """What the scikeras wrappers of our networks share.

    Parameters
    ----------
    blueprint : Model
        Network, noise, optimizer, key and weights.
    **kwargs
        Parameters of the scikeras wrapper.
    """

    def __init__(self, blueprint: Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.blueprint = blueprint

    def _keras_build_fn(self) -> keras.Sequential:
        blueprint = self.blueprint
        # Another seed at each start, or a continued fit would repeat its noise.
        model = build_model(blueprint, (blueprint.key, blueprint.state.n_steps))
        loss = _keras_loss(blueprint)
        metrics: list[Any] = list(blueprint.network.figures[1:])
        if blueprint.network.output == "sigmoid":
            # Keras would take several labels a row for one label of several classes.
            metrics = [keras.metrics.BinaryAccuracy("accuracy")]
        if blueprint.penalty:
            metrics.append(keras.metrics.MeanMetricWrapper(keras.losses.get(loss), _PURE_LOSS))
        model.compile(
            optimizer=blueprint.optimizer.build(blueprint.learning_rate),
            loss=loss,
            weighted_metrics=metrics,
        )
        model.set_weights(blueprint.state.weights)
        # Built, or a saved model could not load its optimizer.
        model.optimizer.build(model.trainable_variables)
        return model

    def train(self, task: Task, callbacks: list[keras.callbacks.Callback], stop: Stop) -> Result:
        """Train by ``keras.Model.fit``, from the state of the task's model on.

        Parameters
        ----------
        task : Task
            What to train.
        callbacks : list of keras.callbacks.Callback
        stop : callable
            Asked after each epoch whether to end there.

        Returns
        -------
        Result
        """
        start = task.model.state
        if start.optimizer:
            for variable, value in zip(self._optimizer_variables(), start.optimizer, strict=True):
                variable.assign(value)
        validation = None
        if task.validation is not None:
            rows = task.validation
            validation = (rows.X, _column(rows.y), rows.weight)
        early = [] if task.stopping is None else [_early_stopping(task.stopping, task)]
        guard = _Guard(stop, self._optimizer_variables())
        self._fit_callbacks = [*early, *callbacks, guard]
        # The hook through which scikeras itself trains; it keeps the wrapper's history.
        try:
            self._fit_keras_model(
                _Batches(task),
                None,
                sample_weight=None,
                warm_start=False,
                epochs=task.epochs,
                initial_epoch=0,
                shuffle=False,
                verbose=0,
                validation_data=validation,
                validation_batch_size=len(task.validation) if task.validation else None,
            )
        except _BrokenOffError:
            self.history_ = self.model_.history.history
            guard.restore()
            for callback in self._fit_callbacks:
                callback.on_train_end()
        names = {k: _metric(k, task.model) for k in task.figures}
        history = {k: np.array(self.history_.get(name, [])) for k, name in names.items()}
        n_epochs = len(history["loss"])
        optimizer = [] if early else [v.value.numpy() for v in self._optimizer_variables()]
        ended = State(
            self.model_.get_weights(),
            optimizer,
            start.n_epochs + n_epochs,
            start.n_steps + n_epochs * task.n_batches,
        )
        return Result(ended, history)

    def _optimizer_variables(self) -> list[keras.Variable]:
        optimizer = self.model_.optimizer
        return [v for v in optimizer.variables if v is not optimizer._learning_rate]


class NoisyKerasClassifier(_NoisyKeras, KerasClassifier):
    """A scikeras classifier of our network; its parameter ``blueprint`` is our ``Model``."""


class NoisyKerasRegressor(_NoisyKeras, KerasRegressor):
    """A scikeras regressor of our network; its parameter ``blueprint`` is our ``Model``."""


def _metric(figure: str, model: Model) -> str:
    """Give Keras's name of one of our figures."""
    return figure.replace("loss", _PURE_LOSS) if model.penalty else figure


def _early_stopping(rule: Stopping, task: Task) -> keras.callbacks.EarlyStopping:
    return keras.callbacks.EarlyStopping(
        monitor=_metric(rule.monitor, task.model),
        min_delta=rule.min_delta,
        patience=rule.patience,
        mode="max" if rule.monitor.endswith("accuracy") else "min",
        restore_best_weights=rule.restore,
    )


def _column(y: np.ndarray) -> np.ndarray:
    """Give labels as a column; targets have columns already."""
    return y[:, None] if y.ndim == 1 else y


class _Batches(keras.utils.PyDataset):
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
        return rows.X[chosen], _column(rows.y[chosen]), rows.weight[chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._ordered()

    def _ordered(self) -> np.ndarray:
        n_rows = len(self._task.data)
        if not self._task.shuffle or len(self) == 1:
            return np.arange(n_rows)
        return np.random.default_rng([self._task.model.key, self._epoch]).permutation(n_rows)


class _BrokenOffError(Exception):
    """Leaves an epoch. Told to stop in one, Keras's loop would still validate, and count it."""


class _Guard(keras.callbacks.Callback):
    """Stops where the loss is no longer finite, or where it is told to.

    Parameters
    ----------
    stop : callable
    optimizer : list of keras.Variable
        What ``restore`` sets back beside the weights.
    """

    def __init__(self, stop: Stop, optimizer: list[keras.Variable]) -> None:
        super().__init__()
        self._stop = stop
        self._optimizer = optimizer

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._keep()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._keep()
        if self._stop() or not np.isfinite((logs or {})["loss"]):
            self.model.stop_training = True

    # Not at the end of a batch, where Keras would wait for its figures.
    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._stop():
            raise _BrokenOffError

    on_test_batch_begin = on_train_batch_begin

    def restore(self) -> None:
        """Set the model back to the end of the last whole epoch."""
        weights, optimizer = self._kept
        self.model.set_weights(weights)
        for variable, value in zip(self._optimizer, optimizer, strict=True):
            variable.assign(value)

    def _keep(self) -> None:
        self._kept = self.model.get_weights(), [v.value.numpy() for v in self._optimizer]


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
        names = {k: _metric(k, self._task.model) for k in self._task.figures}
        self._progress(epoch + 1, {k: (logs or {})[name] for k, name in names.items()})


def make_wrapper(model: Model, y: np.ndarray) -> NoisyKerasClassifier | NoisyKerasRegressor:
    """Make the scikeras wrapper of a model.

    Parameters
    ----------
    model : Model
        The model, with its weights.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Some targets: all labels that there are, or numbers of the right shape.

    Returns
    -------
    NoisyKerasClassifier or NoisyKerasRegressor
        Initialised: it predicts, and can be trained further.
    """
    classifies = model.network.output in ("sigmoid", "softmax")
    wrapper = (NoisyKerasClassifier if classifies else NoisyKerasRegressor)(model)
    # The rows tell scikeras of the targets and the number of features.
    return wrapper.initialize(np.zeros((len(y), model.network.sizes[0])), y)
