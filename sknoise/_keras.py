"""The one module that knows scikeras: Keras models of our networks, and Keras's own training loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier

from sknoise.noise._layer import gaussian_noise
from sknoise.training._types import Network, Optimizer, Progress, Result, Rows, State, Task


def build_model(network: Network, noise: tuple[float, ...], seed: int) -> keras.Sequential:
    """Build the Keras model of a network, not yet compiled.

    Parameters
    ----------
    network : Network
        Sizes and activations.
    noise : tuple of float
        Standard deviation at each site; no layer where it is 0.
    seed : int
        Seed of the noise layers.

    Returns
    -------
    keras.Sequential
    """
    layer_options = {"dtype": "float32"}
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(len(noise))]
    n_features, *widths, n_outputs = network.sizes
    model = keras.Sequential([keras.Input((n_features,))])
    if noise[0]:
        model.add(gaussian_noise(noise[0], seeds[0], name="noise_input", **layer_options))
    for i, width in enumerate(widths, start=1):
        dense = {"name": f"hidden_{i}", **layer_options}
        # The draws are ours, and replaced: a seed keeps Keras's global one untouched.
        dense["kernel_initializer"] = keras.initializers.GlorotUniform(seed=0)
        if noise[i]:
            model.add(keras.layers.Dense(width, **dense))
            model.add(gaussian_noise(noise[i], seeds[i], name=f"noise_hidden_{i}", **layer_options))
            model.add(
                keras.layers.Activation(
                    network.activation, name=f"activation_{i}", **layer_options
                )
            )
        else:
            model.add(keras.layers.Dense(width, activation=network.activation, **dense))
    model.add(
        keras.layers.Dense(
            n_outputs,
            activation=network.output,
            kernel_initializer=keras.initializers.GlorotUniform(seed=0),
            name="output",
            **layer_options,
        )
    )
    return model


class NoisyKerasClassifier(KerasClassifier):
    """A scikeras classifier of our network.

    Parameters
    ----------
    network : Network
        Sizes and activations.
    noise : tuple of float
        Standard deviation at each site.
    optimizer : Optimizer
        The optimizer.
    learning_rate : float
        Its learning rate.
    seed : int
        Seed of the noise layers.
    **kwargs
        Parameters of ``scikeras.wrappers.KerasClassifier``.
    """

    def __init__(
        self,
        network: Network | None = None,
        noise: tuple[float, ...] = (),
        optimizer: Optimizer | None = None,
        learning_rate: float = 0.001,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.noise = noise
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.seed = seed

    def _keras_build_fn(self) -> keras.Sequential:
        model = build_model(self.network, self.noise, self.seed)
        binary = self.network.output == "sigmoid"
        model.compile(
            optimizer=self.optimizer.build(self.learning_rate),
            loss="binary_crossentropy" if binary else "sparse_categorical_crossentropy",
            weighted_metrics=["accuracy"],
        )
        return model

    def train(self, task: Task, progress: Progress | None) -> Result:
        """Train by ``keras.Model.fit``, from the task's state on.

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
        self._start_from(task.state)
        batches = _Batches(task)
        validation = None
        if task.validation is not None:
            rows = task.validation
            validation = (rows.X, rows.y[:, None], rows.weight)
        self._fit_callbacks = [_Reporter(progress)]
        # The hook through which scikeras itself trains; it keeps the wrapper's history.
        self._fit_keras_model(
            batches,
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
        steps = len(batches) * task.epochs
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        history = {k: np.array(self.history_[k]) for k in names if k in self.history_}
        return Result(self._ended(task.state, task.epochs, steps), history)

    def _start_from(self, state: State) -> None:
        self.model_.set_weights(state.weights)
        if state.optimizer:
            variables = self._optimizer_variables()
            for variable, value in zip(variables, state.optimizer, strict=True):
                variable.assign(value.reshape(variable.shape))

    def _ended(self, start: State, epochs: int, steps: int) -> State:
        return State(
            self.model_.get_weights(),
            [np.array(v) for v in self._optimizer_variables()],
            start.n_epochs + epochs,
            start.n_steps + steps,
        )

    def _optimizer_variables(self) -> list[keras.Variable]:
        optimizer = self.model_.optimizer
        optimizer.build(self.model_.trainable_variables)
        return [v for v in optimizer.variables if v is not optimizer._learning_rate]


class _Batches(keras.utils.PyDataset):
    """The minibatches of each epoch.

    Keras's own shuffling draws from TensorFlow's global generator, so the batches come
    from here, in an order that follows from the task's key.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._task = task
        self._epoch = task.state.n_epochs
        self._order = self._ordered()

    def __len__(self) -> int:
        return -(-len(self._task.data) // self._task.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = self._task.batch_size
        rows: Rows = self._task.data
        chosen = self._order[index * size : (index + 1) * size]
        return rows.X[chosen], rows.y[chosen, None], rows.weight[chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._ordered()

    def _ordered(self) -> np.ndarray:
        n_rows = len(self._task.data)
        if not self._task.shuffle or len(self) == 1:
            return np.arange(n_rows)
        return np.random.default_rng([self._task.key, self._epoch]).permutation(n_rows)


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


def make_wrapper(task: Task, classes: np.ndarray) -> NoisyKerasClassifier:
    """Make the scikeras classifier of a task's network with the weights of its state.

    Parameters
    ----------
    task : Task
        Network, optimizer, noise, key and state; its data are not used.
    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    NoisyKerasClassifier
        Initialised: it predicts, and can be trained further.
    """
    wrapper = NoisyKerasClassifier(
        network=task.network,
        noise=task.noise,
        optimizer=task.optimizer,
        learning_rate=task.learning_rate,
        # Another seed at each start, or a continued fit would repeat its noise.
        seed=hash((task.key, task.state.n_steps)) % 2**63,
        batch_size=task.batch_size,
        epochs=task.epochs,
    )
    # One row for each class tells scikeras of the labels and the number of features.
    one_each = np.zeros((len(classes), task.network.sizes[0]), dtype=np.float32)
    wrapper.initialize(one_each, classes)
    wrapper.model_.set_weights(task.state.weights)
    return wrapper


def progress_bar(epochs: int) -> Progress:
    """Make a bar of epochs that shows the current figures.

    Parameters
    ----------
    epochs : int
        Number of epochs of a full bar.

    Returns
    -------
    callable
    """
    bar: Any = None

    def report(done: int, figures: dict[str, float]) -> None:
        nonlocal bar
        if bar is None:
            bar = keras.utils.Progbar(
                epochs, stateful_metrics=list(figures), unit_name="epoch"
            )
        bar.update(done, [(name, float(value)) for name, value in figures.items()])

    return report
