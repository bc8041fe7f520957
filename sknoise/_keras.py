"""The one module that knows scikeras: our networks as Keras models, trained by Keras's loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier

from sknoise.noise._layer import gaussian_noise
from sknoise.training._types import (
    HISTORY_KEYS,
    Model,
    Network,
    Progress,
    Result,
    State,
    Task,
)


def build_model(
    network: Network, noise: tuple[float, ...], seed: np.random.SeedSequence
) -> keras.Sequential:
    """Build the Keras model of a network, not yet compiled.

    Parameters
    ----------
    network : Network
        Sizes and activations.
    noise : tuple of float
        Standard deviation at each site; no layer where it is 0.
    seed : numpy.random.SeedSequence
        Seed of the noise layers.

    Returns
    -------
    keras.Sequential
    """
    seeds = seed.generate_state(len(noise)).tolist()
    n_features, *widths, n_outputs = network.sizes
    model = keras.Sequential([keras.Input((n_features,))])
    if noise[0]:
        model.add(gaussian_noise(noise[0], seeds[0], name="noise_input", dtype="float32"))
    for i, width in enumerate(widths, start=1):
        name = f"hidden_{i}"
        if noise[i]:
            model.add(_dense(width, None, name))
            model.add(gaussian_noise(noise[i], seeds[i], name=f"noise_{name}", dtype="float32"))
            activation = keras.layers.Activation
            model.add(activation(network.activation, name=f"activation_{i}", dtype="float32"))
        else:
            model.add(_dense(width, network.activation, name))
    model.add(_dense(n_outputs, network.output, "output"))
    return model


def _dense(units: int, activation: str | None, name: str) -> keras.layers.Dense:
    # The initial weights are replaced by ours: a seed keeps Keras's global one untouched.
    initializer = keras.initializers.GlorotUniform(seed=0)
    return keras.layers.Dense(
        units, activation, kernel_initializer=initializer, name=name, dtype="float32"
    )


class NoisyKerasClassifier(KerasClassifier):
    """A scikeras classifier of our network.

    Parameters
    ----------
    blueprint : Model
        Network, noise, optimizer, key and weights.
    **kwargs
        Parameters of ``scikeras.wrappers.KerasClassifier``.
    """

    def __init__(self, blueprint: Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.blueprint = blueprint

    def _keras_build_fn(self) -> keras.Sequential:
        blueprint = self.blueprint
        # Another seed at each start, or a continued fit would repeat its noise.
        seed = np.random.SeedSequence([blueprint.key, blueprint.state.n_steps])
        model = build_model(blueprint.network, blueprint.noise, seed)
        binary = blueprint.network.output == "sigmoid"
        model.compile(
            optimizer=blueprint.optimizer.build(blueprint.learning_rate),
            loss="binary_crossentropy" if binary else "sparse_categorical_crossentropy",
            weighted_metrics=["accuracy"],
        )
        model.set_weights(blueprint.state.weights)
        # Built, or a saved model could not load its optimizer.
        model.optimizer.build(model.trainable_variables)
        return model

    def train(self, task: Task, progress: Progress | None) -> Result:
        """Train by ``keras.Model.fit``, from the state of the task's model on.

        Parameters
        ----------
        task : Task
            What to train.
        progress : callable or None
            Called after each epoch.

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
            validation = (rows.X, rows.y[:, None], rows.weight)
        self._fit_callbacks = [_Reporter(progress)]
        # The hook through which scikeras itself trains; it keeps the wrapper's history.
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
        history = {k: np.array(self.history_[k]) for k in HISTORY_KEYS if k in self.history_}
        ended = State(
            self.model_.get_weights(),
            [v.value.numpy() for v in self._optimizer_variables()],
            start.n_epochs + task.epochs,
            start.n_steps + task.epochs * task.n_batches,
        )
        return Result(ended, history)

    def _optimizer_variables(self) -> list[keras.Variable]:
        optimizer = self.model_.optimizer
        return [v for v in optimizer.variables if v is not optimizer._learning_rate]


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
        return rows.X[chosen], rows.y[chosen, None], rows.weight[chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._ordered()

    def _ordered(self) -> np.ndarray:
        n_rows = len(self._task.data)
        if not self._task.shuffle or len(self) == 1:
            return np.arange(n_rows)
        return np.random.default_rng([self._task.model.key, self._epoch]).permutation(n_rows)


class _Reporter(keras.callbacks.Callback):
    """Tells of each epoch, and stops where the loss is no longer finite."""

    def __init__(self, progress: Progress | None) -> None:
        super().__init__()
        self._progress = progress

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        if self._progress is not None:
            self._progress(epoch + 1, logs)
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True


def make_wrapper(model: Model, classes: np.ndarray) -> NoisyKerasClassifier:
    """Make the scikeras classifier of a model.

    Parameters
    ----------
    model : Model
        The model, with its weights.
    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    NoisyKerasClassifier
        Initialised: it predicts, and can be trained further.
    """
    wrapper = NoisyKerasClassifier(model)
    # One row for each class tells scikeras of the labels and the number of features.
    return wrapper.initialize(np.zeros((len(classes), model.network.sizes[0])), classes)
