"""The compiled program: whole epochs of a stack of networks in one call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from sknoise.noise._philox import philox_4x32, standard_normal
from sknoise.training._spec import VALIDATION_BLOCK, Spec
from sknoise.training._types import HISTORY_KEYS

# A call trains at most this many epochs; the history of a call has this length.
MAX_EPOCHS = 1024

# Last word of the counters that shuffle; noise sites have smaller ones.
_SHUFFLE = 0xFFFFFFFF


class Block(NamedTuple):
    """Rows of each source, padded with rows of weight 0."""

    X: Any  # (n_sources, n_rows, n_features) float32
    y: Any  # (n_sources, n_rows) float32, index of the class
    weight: Any  # (n_sources, n_rows) float32
    keys: Any  # (n_sources, n_rows, 2) uint32
    n_rows: Any  # (n_sources,) int32, without the padding


class Inputs(NamedTuple):
    """All that a call takes beside the state and the number of epochs."""

    data: Block
    validation: Block | None
    n_batches: Any  # () int32, number of steps in an epoch
    keys: Any  # (n_sources, 2) uint32
    source: Any  # (n_networks,) int32, which source each network learns from
    units: Any  # (n_networks, n_sites) int32, without the padding
    noise: Any  # (n_networks, n_sites) float32
    learning_rate: Any  # (n_networks, 1) float32


class ProgramState(NamedTuple):
    """What a call starts from and ends with."""

    weights: Any  # (n_networks, n_weights) float32, kernels and biases one after the other
    optimizer: list[Any]  # the Keras optimizer's variables
    n_epochs: int
    n_steps: int


class _LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Hands each network of the stack its own learning rate, set while tracing."""

    value: tf.Tensor

    def __call__(self, step: Any) -> tf.Tensor:
        return self.value


class Program:
    """A compiled training program for one spec.

    From outside a pure function of its arguments: the Keras variables that the optimizer
    needs are written at the start of each call and read at its end, behind a lock.

    Parameters
    ----------
    spec : Spec
        The static facts.

    Attributes
    ----------
    fresh_optimizer : list of ndarray
        The optimizer's variables before the first step.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._lock = threading.Lock()
        self._activation = keras.activations.get(spec.network.activation)
        self._learning_rate = _LearningRate()
        self._optimizer = spec.optimizer.build(self._learning_rate)
        # One variable for all weights: element-wise optimizers do not mind, and it takes far
        # fewer operations to trace, compile and run than one for each kernel and bias.
        shape = (spec.n_networks, spec.network.n_weights)
        self._weights = keras.Variable(np.zeros(shape, np.float32), dtype="float32")
        self._optimizer.build([self._weights])
        self.fresh_optimizer = [v.value.numpy() for v in self._optimizer.variables]
        self._run = tf.function(self._epochs, jit_compile=True, autograph=False)

    @property
    def n_traces(self) -> int:
        """How often the program was traced."""
        return self._run.experimental_get_tracing_count()

    def __call__(
        self, state: ProgramState, inputs: Inputs, epochs: int
    ) -> tuple[ProgramState, np.ndarray]:
        """Train.

        Parameters
        ----------
        state : ProgramState
            What to start from.
        inputs : Inputs
            Data, hyperparameters and keys.
        epochs : int
            Number of epochs, at most ``MAX_EPOCHS``.

        Returns
        -------
        state : ProgramState
            What training ended with.
        history : ndarray of shape (epochs, 4, n_networks), dtype float32
            The figures named in ``HISTORY_KEYS``.
        """
        n_batches = int(inputs.n_batches)
        with self._lock:
            weights, optimizer, history = self._run(
                state.weights,
                state.optimizer,
                inputs,
                tf.constant(state.n_epochs, tf.int32),
                tf.constant(state.n_steps, tf.int32),
                tf.constant(epochs, tf.int32),
            )
        done = ProgramState(
            weights, optimizer, state.n_epochs + epochs, state.n_steps + epochs * n_batches
        )
        return done, history[:epochs].numpy()

    # The rest is traced.

    def _epochs(
        self,
        weights: tf.Tensor,
        optimizer: list[tf.Tensor],
        inputs: Inputs,
        first_epoch: tf.Tensor,
        first_step: tf.Tensor,
        epochs: tf.Tensor,
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        self._learning_rate.value = inputs.learning_rate
        variables = [self._weights, *self._optimizer.variables]
        for variable, value in zip(variables, [weights, *optimizer], strict=True):
            variable.assign(value)
        figures_shape = (len(HISTORY_KEYS), self.spec.n_networks)
        history = tf.TensorArray(tf.float32, MAX_EPOCHS, element_shape=figures_shape)

        def epoch(i: tf.Tensor, history: tf.TensorArray) -> Any:
            if self.spec.full_batch:
                sums = self._step(inputs, inputs.data, first_step + i)
            else:
                step = first_step + i * inputs.n_batches
                sums = self._minibatches(inputs, first_epoch + i, step)
            figures = sums / self._of_networks(inputs, tf.cast(inputs.data.n_rows, tf.float32))
            if inputs.validation is None:
                figures = tf.concat([figures, tf.zeros_like(figures)], axis=0)
            else:
                figures = tf.concat([figures, self._evaluate(inputs, inputs.validation)], axis=0)
            return i + 1, history.write(i, figures)

        _, history = tf.while_loop(
            lambda i, _: i < epochs, epoch, (tf.constant(0), history), parallel_iterations=1
        )
        weights, *optimizer = (tf.convert_to_tensor(v) for v in variables)
        return weights, optimizer, history.stack()

    def _minibatches(self, inputs: Inputs, epoch: tf.Tensor, first_step: tf.Tensor) -> tf.Tensor:
        """Pass once over the data in minibatches; give the sums of the figures."""
        size = self.spec.batch_size
        data = inputs.data
        order = self._shuffled(inputs, epoch) if self.spec.shuffle else None

        def batch(j: tf.Tensor, sums: tf.Tensor) -> Any:
            start = j * size

            def taken(a: tf.Tensor) -> tf.Tensor:
                if order is None:
                    return _slice(a, start, size)
                return tf.gather(a, _slice(order, start, size), batch_dims=1)

            n_rows = tf.clip_by_value(data.n_rows - start, 1, size)
            X, y, weight, keys = (taken(a) for a in data[:4])
            rows = Block(X, y, weight, keys, n_rows)
            return j + 1, sums + self._step(inputs, rows, first_step + j)

        start = (tf.constant(0), tf.zeros([2, self.spec.n_networks]))
        return tf.while_loop(
            lambda j, _: j < inputs.n_batches, batch, start, parallel_iterations=1
        )[1]

    def _shuffled(self, inputs: Inputs, epoch: tf.Tensor) -> tf.Tensor:
        """Order the rows of each source by a draw; padding comes last."""
        keys, rows = inputs.keys, inputs.data.keys
        counter = (
            rows[..., 0],
            rows[..., 1],
            tf.cast(epoch, tf.uint32),
            tf.constant(_SHUFFLE, tf.uint32),
        )
        word = philox_4x32(counter, (keys[:, 0, None], keys[:, 1, None]))[0]
        draw = tf.cast(tf.bitwise.right_shift(word, tf.constant(1, tf.uint32)), tf.int32)
        real = tf.range(self.spec.n_rows) < inputs.data.n_rows[:, None]
        return tf.argsort(tf.where(real, draw, tf.int32.max), axis=-1, stable=True)

    def _of_networks(self, inputs: Inputs, a: tf.Tensor) -> tf.Tensor:
        """Give to each network what is its source's."""
        if self.spec.n_sources == self.spec.n_networks:
            return a
        return tf.gather(a, inputs.source)

    def _step(self, inputs: Inputs, rows: Block, step: tf.Tensor) -> tf.Tensor:
        """Take one step; give the weighted sums of loss and accuracy over its rows."""
        noise = self._noise_by_site(inputs, rows, step)
        X, y, weight, n_rows = (
            self._of_networks(inputs, a)
            for a in (rows.X, rows.y, rows.weight, tf.cast(rows.n_rows, tf.float32))
        )
        weights = self._layers()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            sums = self._losses(self._forward(weights, X, noise, inputs.units), y, weight)
            objective = tf.reduce_sum(sums[0] / n_rows)
        gradient = self._flat(tape.gradient(objective, weights))
        self._optimizer.apply([gradient], [self._weights])
        return sums

    def _noise_by_site(
        self, inputs: Inputs, rows: Block, step: tf.Tensor
    ) -> list[tf.Tensor | None]:
        """Draw the noise; None at the sites without."""
        noise: list[tf.Tensor | None] = [None] * len(self.spec.noisy)
        sites = self.spec.noise_sites
        if not sites:
            return noise
        step = tf.cast(step, tf.uint32)
        draws = _materialised(
            lambda: standard_normal(inputs.keys, rows.keys, step, sites),
            (*rows.keys.shape[:2], sum(width for _, width in sites)),
            turns=tf.cast(step < tf.uint32.max, tf.int32),
        )
        parts = tf.split(draws, [width for _, width in sites], axis=-1)
        for (site, _), part in zip(sites, parts, strict=True):
            levels = inputs.noise[:, site, None, None]
            noise[site] = self._of_networks(inputs, part) * levels
        return noise

    def _forward(
        self,
        weights: list[tf.Tensor],
        X: tf.Tensor,
        noise: list[tf.Tensor | None],
        units: tf.Tensor,
    ) -> tf.Tensor:
        """Give the logits, of shape (n_networks, n_rows, n_outputs)."""
        out = self._without_padding(X if noise[0] is None else X + noise[0], units, 0)
        *hidden, last = zip(weights[::2], weights[1::2], strict=True)
        for site, ((kernel, bias), z) in enumerate(zip(hidden, noise[1:], strict=True), 1):
            out = _product(out, kernel) + bias
            out = self._activation(out if z is None else out + z)
            out = self._without_padding(out, units, site)
        return _product(out, last[0]) + last[1]

    def _without_padding(self, out: tf.Tensor, units: tf.Tensor, site: int) -> tf.Tensor:
        """Silence units that a network has not got: their weights then stay at 0."""
        if not self.spec.masked[site]:
            return out
        real = tf.range(self.spec.network.sizes[site]) < units[:, site, None]
        return out * tf.cast(real, tf.float32)[:, None, :]

    def _losses(self, logits: tf.Tensor, y: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """Give the weighted sums of loss and accuracy, of shape (2, n_networks)."""
        if self.spec.network.output == "sigmoid":
            logit = logits[..., 0]
            loss = keras.ops.binary_crossentropy(y, logit, from_logits=True)
            right = (logit > 0) == (y > 0)
        else:
            label = tf.cast(y, tf.int32)
            target = tf.one_hot(label, self.spec.network.sizes[-1])
            loss = keras.ops.categorical_crossentropy(target, logits, from_logits=True)
            right = tf.argmax(logits, axis=-1, output_type=tf.int32) == label
        figures = tf.stack([loss, tf.cast(right, tf.float32)])
        return tf.reduce_sum(figures * weight, axis=-1)

    def _layers(self) -> list[tf.Tensor]:
        """Split the weights into kernels (n_networks, a, b) and biases (n_networks, 1, b)."""
        shapes = self.spec.network.weight_shapes
        parts = tf.split(tf.convert_to_tensor(self._weights), [prod(s) for s in shapes], axis=1)
        m = self.spec.n_networks
        return [
            tf.reshape(part, (m, *shape) if len(shape) == 2 else (m, 1, *shape))
            for part, shape in zip(parts, shapes, strict=True)
        ]

    def _flat(self, layers: list[tf.Tensor]) -> tf.Tensor:
        return tf.concat([tf.reshape(a, [self.spec.n_networks, -1]) for a in layers], axis=1)

    def _evaluate(self, inputs: Inputs, rows: Block) -> tf.Tensor:
        """Give the weighted means of loss and accuracy, without noise."""
        weights = self._layers()
        silent: list[tf.Tensor | None] = [None] * len(self.spec.noisy)

        def sums_over(*arrays: tf.Tensor) -> tf.Tensor:
            X, y, weight = (self._of_networks(inputs, a) for a in arrays)
            return self._losses(self._forward(weights, X, silent, inputs.units), y, weight)

        size = min(self.spec.n_validation_rows, VALIDATION_BLOCK)
        if size == self.spec.n_validation_rows:
            sums = sums_over(rows.X, rows.y, rows.weight)
        else:

            def block(j: tf.Tensor, sums: tf.Tensor) -> Any:
                return j + 1, sums + sums_over(*(_slice(a, j * size, size) for a in rows[:3]))

            n_blocks = -(-tf.reduce_max(rows.n_rows) // size)
            start = (tf.constant(0), tf.zeros([2, self.spec.n_networks]))
            _, sums = tf.while_loop(lambda j, _: j < n_blocks, block, start, parallel_iterations=1)
        return sums / self._of_networks(inputs, tf.cast(rows.n_rows, tf.float32))


def _materialised(
    function: Callable[[], tf.Tensor], shape: Sequence[int], turns: tf.Tensor
) -> tf.Tensor:
    """Keep XLA from computing a result once for each use of it.

    XLA fuses element-wise work into each of its consumers, and so would draw the noise in
    the forward and again in the backward pass. It cannot fuse across a loop, even one of a
    single turn, so long as it does not know that it is one: hence turns, which is 1.
    """
    return tf.while_loop(
        lambda i, _: i < turns,
        lambda i, _: (i + 1, function()),
        (tf.constant(0), tf.zeros(shape)),
        parallel_iterations=1,
    )[1]


def _product(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    # A plain product of one network is faster than a batched product of a stack of one.
    return tf.matmul(a[0], b[0])[None] if a.shape[0] == 1 else tf.matmul(a, b)


def _slice(a: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """Take rows, the second axis, from a run-time start on."""
    begin = tf.stack([0, start, *[0] * (len(a.shape) - 2)])
    return tf.slice(a, begin, [a.shape[0], size, *a.shape[2:]])
