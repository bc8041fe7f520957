"""The compiled program: whole epochs of a stack of networks in one call."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
    """Rows of a stack, padded with rows of weight 0."""

    X: Any  # (n_networks, n_rows, n_features) float32
    y: Any  # (n_networks, n_rows) int32
    weight: Any  # (n_networks, n_rows) float32
    keys: Any  # (n_networks, n_rows, 2) uint32
    n_rows: Any  # (n_networks,) int32, without the padding


class Inputs(NamedTuple):
    """All that a call takes beside the state and the number of epochs."""

    data: Block
    validation: Block | None
    n_batches: Any  # () int32, number of steps in an epoch
    noise: Any  # (n_networks, n_sites) float32
    learning_rate: Any  # (n_networks, 1, 1) float32
    keys: Any  # (n_networks, 2) uint32


class ProgramState(NamedTuple):
    """What a call starts from and ends with."""

    weights: list[Any]  # kernels (n_networks, a, b) and biases (n_networks, 1, b)
    optimizer: list[Any]  # the Keras optimizer's variables
    n_epochs: Any  # () int32
    n_steps: Any  # () int32


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
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._lock = threading.Lock()
        self._activation = keras.activations.get(spec.network.activation)
        self._learning_rate = _LearningRate()
        self._optimizer = spec.optimizer.build(self._learning_rate)
        self._weights = [
            keras.Variable(np.zeros(shape, np.float32), dtype="float32")
            for shape in self.weight_shapes
        ]
        self._optimizer.build(self._weights)
        # Outside the fused program, what lies between two products is compiled by itself.
        piece: Callable[..., Any] = _whole if spec.fused else _compiled
        self._draw = piece(self._draw_noise)
        if spec.fused:
            width = sum(w for _, w in spec.noise_sites)
            shape = (spec.n_networks, spec.batch_size, width)
            self._draw = _materialised(self._draw, shape)
        self._hidden = piece(self._hidden_layer)
        self._row_losses = piece(self._losses)
        self._update = piece(self._apply_gradients)
        self._run = tf.function(self._epochs, jit_compile=spec.fused, autograph=False)

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the stacked kernels and biases."""
        m = self.spec.n_networks
        # A bias has a row axis, so that learning rates of shape (m, 1, 1) fit it too.
        return [(m, *s) if len(s) == 2 else (m, 1, *s) for s in self.spec.network.weight_shapes]

    @property
    def optimizer_values(self) -> list[np.ndarray]:
        """The optimizer's variables before the first step."""
        fresh = self.spec.optimizer.build(self._learning_rate)
        fresh.build(self._weights)
        return [np.array(v) for v in fresh.variables]

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
        with self._lock:
            state, history = self._run(state, inputs, tf.constant(epochs, tf.int32))
        return state, history[:epochs].numpy()

    # The rest is traced.

    def _epochs(
        self, state: ProgramState, inputs: Inputs, epochs: tf.Tensor
    ) -> tuple[ProgramState, tf.Tensor]:
        self._learning_rate.value = inputs.learning_rate
        variables = [*self._weights, *self._optimizer.variables]
        for variable, value in zip(variables, [*state.weights, *state.optimizer], strict=True):
            variable.assign(value)
        history = tf.zeros([MAX_EPOCHS, len(HISTORY_KEYS), self.spec.n_networks])

        def epoch(i: tf.Tensor, steps: tf.Tensor, history: tf.Tensor) -> Any:
            if self.spec.full_batch:
                sums = self._step(inputs, inputs.data, inputs.data.n_rows, steps)
                steps += 1
            else:
                sums, steps = self._minibatches(inputs, state.n_epochs + i, steps)
            figures = sums / tf.cast(inputs.data.n_rows, tf.float32)
            if inputs.validation is not None:
                figures = tf.concat([figures, self._evaluate(inputs.validation)], axis=0)
            else:
                figures = tf.concat([figures, tf.zeros_like(figures)], axis=0)
            history = tf.tensor_scatter_nd_update(history, [[i]], [figures])
            return i + 1, steps, history

        _, steps, history = tf.while_loop(
            lambda i, *_: i < epochs,
            epoch,
            (tf.constant(0), state.n_steps, history),
            parallel_iterations=1,
        )
        values = [tf.convert_to_tensor(v) for v in variables]
        n_weights = len(self._weights)
        done = ProgramState(
            values[:n_weights], values[n_weights:], state.n_epochs + epochs, steps
        )
        return done, history

    def _minibatches(
        self, inputs: Inputs, epoch: tf.Tensor, steps: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Pass once over the data in minibatches; give the sums of the figures."""
        size = self.spec.batch_size
        data = inputs.data
        order = self._shuffled(inputs, epoch) if self.spec.shuffle else None

        def batch(j: tf.Tensor, steps: tf.Tensor, sums: tf.Tensor) -> Any:
            start = j * size

            def taken(a: tf.Tensor) -> tf.Tensor:
                if order is None:
                    begin = tf.concat([[0, start], [0] * (len(a.shape) - 2)], axis=0)
                    return tf.slice(a, begin, [a.shape[0], size, *a.shape[2:]])
                index = tf.slice(order, tf.stack([0, start]), [order.shape[0], size])
                return tf.gather(a, index, batch_dims=1)

            n_rows = tf.clip_by_value(data.n_rows - start, 1, size)
            rows = Block(*(taken(a) for a in data[:4]), n_rows)
            return j + 1, steps + 1, sums + self._step(inputs, rows, n_rows, steps)

        sums = tf.zeros([2, self.spec.n_networks])
        _, steps, sums = tf.while_loop(
            lambda j, *_: j < inputs.n_batches,
            batch,
            (tf.constant(0), steps, sums),
            parallel_iterations=1,
        )
        return sums, steps

    def _shuffled(self, inputs: Inputs, epoch: tf.Tensor) -> tf.Tensor:
        """Order the rows of each network by a draw; padding comes last."""
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

    def _step(
        self, inputs: Inputs, rows: Block, n_rows: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        """Take one step; give the weighted sums of loss and accuracy over its rows."""
        noise = self._noise_by_site(inputs, rows, step)
        weights = [tf.convert_to_tensor(v) for v in self._weights]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            logits = self._forward(weights, rows.X, noise)
            sums = self._row_losses(logits, rows.y, rows.weight)
            objective = tf.reduce_sum(sums[0] / tf.cast(n_rows, tf.float32))
        self._update(tape.gradient(objective, weights))
        return sums

    def _noise_by_site(
        self, inputs: Inputs, rows: Block, step: tf.Tensor
    ) -> list[tf.Tensor | None]:
        sites = self.spec.noise_sites
        noise: list[tf.Tensor | None] = [None] * len(self.spec.noisy)
        if sites:
            draws = self._draw(inputs.keys, rows.keys, tf.cast(step, tf.uint32))
            for (i, _), z in zip(sites, tf.split(draws, [w for _, w in sites], -1), strict=True):
                noise[i] = z * inputs.noise[:, i, None, None]
        return noise

    def _draw_noise(self, keys: tf.Tensor, rows: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        return standard_normal(keys, rows, step, self.spec.noise_sites)

    def _forward(
        self, weights: list[tf.Tensor], X: tf.Tensor, noise: list[tf.Tensor | None]
    ) -> tf.Tensor:
        """Give the logits, of shape (n_networks, n_rows, n_outputs)."""
        out = X if noise[0] is None else X + noise[0]
        *hidden, last = zip(weights[::2], weights[1::2], strict=True)
        for (kernel, bias), z in zip(hidden, noise[1:], strict=True):
            out = self._hidden(_product(out, kernel), bias, z)
        return _product(out, last[0]) + last[1]

    def _hidden_layer(self, x: tf.Tensor, bias: tf.Tensor, noise: tf.Tensor | None) -> tf.Tensor:
        x = x + bias
        return self._activation(x if noise is None else x + noise)

    def _losses(self, logits: tf.Tensor, y: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """Give the weighted sums of loss and accuracy, of shape (2, n_networks)."""
        if self.spec.network.output == "sigmoid":
            target = tf.cast(y, tf.float32)
            logit = logits[..., 0]
            loss = keras.ops.binary_crossentropy(target, logit, from_logits=True)
            right = (logit > 0) == (y > 0)
        else:
            target = tf.one_hot(y, self.spec.network.sizes[-1])
            loss = keras.ops.categorical_crossentropy(target, logits, from_logits=True)
            right = tf.argmax(logits, axis=-1, output_type=tf.int32) == y
        figures = tf.stack([loss, tf.cast(right, tf.float32)])
        return tf.reduce_sum(figures * weight, axis=-1)

    def _apply_gradients(self, gradients: list[tf.Tensor]) -> None:
        self._optimizer.apply(gradients, self._weights)

    def _evaluate(self, rows: Block) -> tf.Tensor:
        """Give the weighted means of loss and accuracy, without noise."""
        weights = [tf.convert_to_tensor(v) for v in self._weights]
        silent: list[tf.Tensor | None] = [None] * len(self.spec.noisy)

        def sums_over(X: tf.Tensor, y: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
            return self._row_losses(self._forward(weights, X, silent), y, weight)

        size = min(self.spec.n_validation_rows, VALIDATION_BLOCK)
        if size == self.spec.n_validation_rows:
            sums = sums_over(rows.X, rows.y, rows.weight)
        else:

            def block(j: tf.Tensor, sums: tf.Tensor) -> Any:
                part = slice(j * size, (j + 1) * size)
                return j + 1, sums + sums_over(*(_fixed(a[:, part], size) for a in rows[:3]))

            n_blocks = -(-tf.reduce_max(rows.n_rows) // size)
            start = (tf.constant(0), tf.zeros([2, self.spec.n_networks]))
            _, sums = tf.while_loop(lambda j, _: j < n_blocks, block, start, parallel_iterations=1)
        return sums / tf.cast(rows.n_rows, tf.float32)


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return tf.function(function, jit_compile=True, autograph=False)


def _materialised(
    function: Callable[..., tf.Tensor], shape: tuple[int, ...]
) -> Callable[..., tf.Tensor]:
    """Keep XLA from computing the result once for each use of it.

    XLA fuses element-wise work into each of its consumers, and so would draw the noise in
    the forward and again in the backward pass. It cannot fuse across a loop, even one of a
    single turn, so long as it does not know that it is one.
    """

    def once(keys: tf.Tensor, rows: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        one = tf.cast(step < tf.uint32.max, tf.int32)
        return tf.while_loop(
            lambda i, _: i < one,
            lambda i, _: (i + 1, function(keys, rows, step)),
            (tf.constant(0), tf.zeros(shape)),
            parallel_iterations=1,
        )[1]

    return once


def _product(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    # A plain product of one network is faster than a batched product of a stack of one.
    return tf.matmul(a[0], b[0])[None] if a.shape[0] == 1 else tf.matmul(a, b)


def _fixed(a: tf.Tensor, n_rows: int) -> tf.Tensor:
    return tf.ensure_shape(a, [a.shape[0], n_rows, *a.shape[2:]])
