"""What a program compiles: the training of a stack of networks, traced by TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknoise.noise._philox import philox_4x32
from sknoise.training._early import watched
from sknoise.training._inputs import MAX_EPOCHS, Block, Inputs, StoppingState
from sknoise.training._network import flat, forward, layers_of, sums_of_figures
from sknoise.training._spec import VALIDATION_BLOCK, Spec
from sknoise.training._step_noise import StepNoise, of_networks

# Last word of the counters that shuffle; noise sites have smaller ones.
_SHUFFLE = 0xFFFFFFFF


class _LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Hands each network of the stack its own learning rate, set while tracing."""

    value: tf.Tensor

    def __call__(self, step: Any) -> tf.Tensor:
        return self.value


class Training:
    """The training of a stack, a pure function from outside.

    The Keras variables that the optimizer needs are written at the start of each call and read
    at its end.

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
        self._learning_rate = _LearningRate()
        self._optimizer = spec.optimizer.build(self._learning_rate)
        # Keras would count the optimizers that the process has made, and XLA's cache on disk asks
        # for the same names.
        self._optimizer.name = "optimizer"
        # One variable for all weights: element-wise optimizers do not mind, and it takes far
        # fewer operations to trace, compile and run than one for each kernel and bias.
        shape = (spec.n_networks, spec.network.n_weights)
        self._weights = keras.Variable(np.zeros(shape, np.float32), dtype="float32")
        self._optimizer.build([self._weights])
        self.fresh_optimizer = [v.value.numpy() for v in self._optimizer.variables]

    def epochs(
        self,
        weights: tf.Tensor,
        optimizer: list[tf.Tensor],
        stopping: StoppingState | None,
        inputs: Inputs,
        first_epoch: tf.Tensor,
        first_step: tf.Tensor,
        epochs: tf.Tensor,
    ) -> tuple[tf.Tensor, list[tf.Tensor], StoppingState | None, tf.Tensor, tf.Tensor]:
        """Train.

        Parameters
        ----------
        weights, optimizer, stopping
            The state to start from.
        inputs : Inputs
        first_epoch, first_step : scalar tensor, dtype int32
            Numbers of epochs and steps done.
        epochs : scalar tensor, dtype int32
            Number of epochs to do, at most ``MAX_EPOCHS``.

        Returns
        -------
        weights, optimizer, stopping
            The state to go on from.
        history : tensor of shape (MAX_EPOCHS, n_figures, n_networks)
            The figures named in the spec; those of epochs not done mean nothing.
        done : scalar tensor, dtype int32
            Number of epochs done: fewer where all networks have stopped early.
        """
        self._learning_rate.value = inputs.learning_rate
        variables = [self._weights, *self._optimizer.variables]
        for variable, value in zip(variables, [weights, *optimizer], strict=True):
            variable.assign(value)
        figures_shape = (len(self.spec.figures), self.spec.n_networks)
        history = tf.TensorArray(tf.float32, MAX_EPOCHS, element_shape=figures_shape)

        # A loop cannot carry None: a list of one or of none stands for it.
        remembered = [] if stopping is None else [stopping]

        def goes_on(i: tf.Tensor, _: tf.TensorArray, remembered: list[StoppingState]) -> tf.Tensor:
            more = [tf.reduce_any(stopping.epochs == 0) for stopping in remembered]
            return tf.reduce_all([i < epochs, *more])

        def epoch(i: tf.Tensor, history: tf.TensorArray, remembered: list[StoppingState]) -> Any:
            factor = None if inputs.schedule is None else inputs.schedule[:, i]
            if self.spec.full_batch:
                sums = self._step(inputs, inputs.data, first_step + i, factor)
            else:
                step = first_step + i * inputs.n_batches
                sums = self._minibatches(inputs, first_epoch + i, step, factor)
            figures = sums / self._of_networks(inputs, tf.cast(inputs.data.n_rows, tf.float32))
            if inputs.validation is not None:
                figures = tf.concat([figures, self._evaluate(inputs, inputs.validation)], axis=0)
            if inputs.stopping is not None:
                weights = tf.convert_to_tensor(self._weights)
                done = first_epoch + i + 1
                remembered = [watched(inputs.stopping, remembered[0], weights, figures, done)]
            return i + 1, history.write(i, figures), remembered

        done, history, remembered = tf.while_loop(
            goes_on, epoch, (tf.constant(0), history, remembered), parallel_iterations=1
        )
        weights, *optimizer = (tf.convert_to_tensor(v) for v in variables)
        stopping = remembered[0] if remembered else None
        return weights, optimizer, stopping, history.stack(), done

    def _minibatches(
        self, inputs: Inputs, epoch: tf.Tensor, first_step: tf.Tensor, factor: tf.Tensor | None
    ) -> tf.Tensor:
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
            return j + 1, sums + self._step(inputs, rows, first_step + j, factor)

        start = (tf.constant(0), self._no_sums())
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
        return of_networks(self.spec, inputs, a)

    def _no_sums(self) -> tf.Tensor:
        return tf.zeros([len(self.spec.network.figures), self.spec.n_networks])

    def _step(
        self, inputs: Inputs, rows: Block, step: tf.Tensor, factor: tf.Tensor | None
    ) -> tf.Tensor:
        """Take one step; give the weighted sums of the figures over its rows."""
        noise = StepNoise(self.spec, inputs, rows.keys, step, factor)
        X, y, weight, n_rows = (
            self._of_networks(inputs, a)
            for a in (rows.X, rows.y, rows.weight, tf.cast(rows.n_rows, tf.float32))
        )
        y = noise.on_target(y)
        layers = self._layers()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(layers)
            out = forward(self.spec, inputs, layers, X, noise)
            sums = sums_of_figures(self.spec, out, y, weight)
            objective = tf.reduce_sum(sums[0] / n_rows)
            if inputs.penalty is not None:
                squares = sum(tf.reduce_sum(kernel**2, axis=(1, 2)) for kernel in layers[::2])
                objective += tf.reduce_sum(inputs.penalty / 2 * squares)
        gradient = noise.on_gradient(tape.gradient(objective, layers))
        # Where there may be several replicas, Keras sums over them, by a custom gradient, and what
        # has one TensorFlow keeps for ever. A merge call is where there is no replica.
        tf.distribute.get_replica_context().merge_call(
            lambda _: self._optimizer.apply([flat(gradient)], [self._weights])
        )
        if inputs.max_norm is not None:
            self._weights.assign(flat(_constrained(self._layers(), inputs.max_norm)))
        return sums

    def _layers(self) -> list[tf.Tensor]:
        return layers_of(self.spec, tf.convert_to_tensor(self._weights))

    def _evaluate(self, inputs: Inputs, rows: Block) -> tf.Tensor:
        """Give the weighted means of the figures, without noise."""
        layers = self._layers()

        def sums_over(*arrays: tf.Tensor) -> tf.Tensor:
            X, y, weight = (self._of_networks(inputs, a) for a in arrays)
            return sums_of_figures(
                self.spec, forward(self.spec, inputs, layers, X, None), y, weight
            )

        size = min(self.spec.n_validation_rows, VALIDATION_BLOCK)
        if size == self.spec.n_validation_rows:
            sums = sums_over(rows.X, rows.y, rows.weight)
        else:

            def block(j: tf.Tensor, sums: tf.Tensor) -> Any:
                return j + 1, sums + sums_over(*(_slice(a, j * size, size) for a in rows[:3]))

            n_blocks = -(-tf.reduce_max(rows.n_rows) // size)
            start = (tf.constant(0), self._no_sums())
            _, sums = tf.while_loop(lambda j, _: j < n_blocks, block, start, parallel_iterations=1)
        return sums / self._of_networks(inputs, tf.cast(rows.n_rows, tf.float32))


def _constrained(layers: list[tf.Tensor], max_norm: tf.Tensor) -> list[tf.Tensor]:
    """Shorten the incoming weights of each unit where their norm is above the bound."""
    bound = max_norm[:, None, None]
    out = []
    for kernel, bias in zip(layers[::2], layers[1::2], strict=True):
        norm = tf.norm(kernel, axis=1, keepdims=True)
        out += [tf.where(norm > bound, kernel * (bound / norm), kernel), bias]
    return out


def _slice(a: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """Take rows, the second axis, from a run-time start on."""
    begin = tf.stack([0, start, *[0] * (len(a.shape) - 2)])
    return tf.slice(a, begin, [a.shape[0], size, *a.shape[2:]])
