"""What a program compiles: the training of a stack of networks, in Keras's ops."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from sknoise.noise._philox import pair_of_words
from sknoise.training._backends import Held, backend
from sknoise.training._early import watched
from sknoise.training._inputs import MAX_EPOCHS, Block, Inputs, StoppingState
from sknoise.training._network import flat, forward, layers_of, sums_of_figures
from sknoise.training._spec import VALIDATION_BLOCK, Spec
from sknoise.training._step_noise import StepNoise, of_networks

# Last word of the counters that shuffle; noise sites have smaller ones.
_SHUFFLE = 0xFFFFFFFF
# Where a loop begins to count: a Python 0 would have 64 bits on JAX, and the counters have 32.
_ZERO = np.int32(0)


class _LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Hands each network of the stack its own learning rate, set while tracing."""

    value: Any

    def __call__(self, step: Any) -> Any:
        return self.value


class Training:
    """The training of a stack, a pure function from outside.

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
        # First: it sets up what must be before Keras makes a variable.
        self._backend = backend()
        self._learning_rate = _LearningRate()
        optimizer = spec.optimizer.build(self._learning_rate)
        # Keras would count the optimizers that the process has made, and XLA's cache on disk asks
        # for the same names.
        optimizer.name = "optimizer"
        shape = (spec.n_networks, spec.network.n_weights)
        self._stepper = self._backend.Stepper(optimizer, shape)
        self.fresh_optimizer = self._stepper.fresh

    def epochs(
        self,
        weights: Any,
        optimizer: list[Any],
        stopping: StoppingState | None,
        inputs: Inputs,
        first_epoch: Any,
        first_step: Any,
        epochs: Any,
    ) -> tuple[Any, list[Any], StoppingState | None, Any, Any]:
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
        held = self._stepper.begin(weights, optimizer)
        figures_shape = (len(self.spec.figures), self.spec.n_networks)
        history = ops.zeros((MAX_EPOCHS, *figures_shape))

        # A loop cannot carry None: a list of one or of none stands for it.
        remembered = [] if stopping is None else [stopping]

        def goes_on(i: Any, _: Any, __: Held, remembered: list[StoppingState]) -> Any:
            on = i < epochs
            for stopping in remembered:
                on = ops.logical_and(on, ops.any(stopping.epochs == 0))
            return on

        def epoch(i: Any, history: Any, held: Held, remembered: list[StoppingState]) -> Any:
            factor = None if inputs.schedule is None else inputs.schedule[:, i]
            if self.spec.full_batch:
                held, sums = self._step(inputs, held, inputs.data, first_step + i, factor)
            else:
                step = first_step + i * inputs.n_batches
                held, sums = self._minibatches(inputs, held, first_epoch + i, step, factor)
            figures = sums / self._of_networks(inputs, ops.cast(inputs.data.n_rows, "float32"))
            if inputs.validation is not None:
                validated = self._evaluate(inputs, held, inputs.validation)
                figures = ops.concatenate([figures, validated], axis=0)
            if inputs.stopping is not None:
                weights = self._stepper.weights(held)
                done = first_epoch + i + 1
                remembered = [watched(inputs.stopping, remembered[0], weights, figures, done)]
            history = ops.slice_update(history, (i, _ZERO, _ZERO), figures[None])
            return i + 1, history, held, remembered

        done, history, held, remembered = ops.while_loop(
            goes_on, epoch, (_ZERO, history, held, remembered)
        )
        stopping = remembered[0] if remembered else None
        return *self._stepper.end(held), stopping, history, done

    def _minibatches(
        self, inputs: Inputs, held: Held, epoch: Any, first_step: Any, factor: Any
    ) -> tuple[Held, Any]:
        """Pass once over the data in minibatches; give the sums of the figures."""
        size = self.spec.batch_size
        data = inputs.data
        order = self._shuffled(inputs, epoch) if self.spec.shuffle else None

        def batch(j: Any, held: Held, sums: Any) -> Any:
            start = j * size

            def taken(a: Any) -> Any:
                if order is None:
                    return _slice(a, start, size)
                return _rows_of_each(a, _slice(order, start, size))

            n_rows = ops.clip(data.n_rows - start, 1, size)
            X, y, weight, keys = (taken(a) for a in data[:4])
            rows = Block(X, y, weight, keys, n_rows)
            held, more = self._step(inputs, held, rows, first_step + j, factor)
            return j + 1, held, sums + more

        start = (_ZERO, held, self._no_sums())
        return ops.while_loop(lambda j, *_: j < inputs.n_batches, batch, start)[1:]

    def _shuffled(self, inputs: Inputs, epoch: Any) -> Any:
        """Order the rows of each source by a draw; padding comes last."""
        keys, rows = inputs.keys, inputs.data.keys
        counter = (rows[..., 0], rows[..., 1], ops.cast(epoch, "uint32"), np.uint32(_SHUFFLE))
        key = (keys[:, 0, None], keys[:, 1, None])
        word = ops.cast(self._backend.once(pair_of_words)(*counter, *key, np.int64(0)), "uint32")
        n = self.spec.n_rows
        real = inputs.data.n_rows[:, None] > np.arange(n)
        draw = ops.where(real, word // np.uint32(2), np.uint32(2**31 - 1))
        # The draws with the rows' numbers below them: XLA sorts one array in a quarter of the time
        # that it takes for one and what goes with it.
        numbered = ops.cast(draw, "uint64") * np.uint64(2**32) + np.arange(n, dtype=np.uint64)
        return ops.cast(ops.cast(self._backend.sort(numbered), "uint32"), "int32")

    def _of_networks(self, inputs: Inputs, a: Any) -> Any:
        return of_networks(self.spec, inputs, a)

    def _no_sums(self) -> Any:
        return ops.zeros((len(self.spec.network.figures), self.spec.n_networks))

    def _step(
        self, inputs: Inputs, held: Held, rows: Block, step: Any, factor: Any
    ) -> tuple[Held, Any]:
        """Take one step; give the weighted sums of the figures over its rows."""
        noise = StepNoise(self.spec, inputs, rows.keys, step, factor)
        X, y, weight, n_rows = (
            self._of_networks(inputs, a)
            for a in (rows.X, rows.y, rows.weight, ops.cast(rows.n_rows, "float32"))
        )
        y = noise.on_target(y)

        def objective(layers: list[Any]) -> tuple[Any, Any]:
            out = forward(self.spec, inputs, layers, X, noise)
            sums = sums_of_figures(self.spec, out, y, weight)
            value = ops.sum(sums[0] / n_rows)
            if inputs.penalty is not None:
                squares = sum(ops.sum(kernel**2, axis=(1, 2)) for kernel in layers[::2])
                value += ops.sum(inputs.penalty / 2 * squares)
            return value, sums

        gradient, sums = self._backend.gradient(objective, self._layers(held))
        held = self._stepper.step(held, flat(noise.on_gradient(gradient)))
        if inputs.max_norm is not None:
            bounded = _constrained(self._layers(held), inputs.max_norm)
            held = self._stepper.with_weights(held, flat(bounded))
        return held, sums

    def _layers(self, held: Held) -> list[Any]:
        return layers_of(self.spec, self._stepper.weights(held))

    def _evaluate(self, inputs: Inputs, held: Held, rows: Block) -> Any:
        """Give the weighted means of the figures, without noise."""
        layers = self._layers(held)

        def sums_over(*arrays: Any) -> Any:
            X, y, weight = (self._of_networks(inputs, a) for a in arrays)
            return sums_of_figures(
                self.spec, forward(self.spec, inputs, layers, X, None), y, weight
            )

        size = min(self.spec.n_validation_rows, VALIDATION_BLOCK)
        if size == self.spec.n_validation_rows:
            sums = sums_over(rows.X, rows.y, rows.weight)
        else:

            def block(j: Any, sums: Any) -> Any:
                return j + 1, sums + sums_over(*(_slice(a, j * size, size) for a in rows[:3]))

            n_blocks = -(-ops.max(rows.n_rows) // size)
            start = (_ZERO, self._no_sums())
            sums = ops.while_loop(lambda j, _: j < n_blocks, block, start)[1]
        return sums / self._of_networks(inputs, ops.cast(rows.n_rows, "float32"))


def _constrained(layers: list[Any], max_norm: Any) -> list[Any]:
    """Shorten the incoming weights of each unit where their norm is above the bound."""
    bound = max_norm[:, None, None]
    out = []
    for kernel, bias in zip(layers[::2], layers[1::2], strict=True):
        norm = ops.sqrt(ops.sum(kernel * kernel, axis=1, keepdims=True))
        out += [ops.where(norm > bound, kernel * (bound / norm), kernel), bias]
    return out


def _slice(a: Any, start: Any, size: int) -> Any:
    """Take rows, the second axis, from a run-time start on."""
    n, _, *rest = a.shape
    return ops.slice(a, (_ZERO, start, *[_ZERO] * len(rest)), (n, size, *rest))


def _rows_of_each(a: Any, index: Any) -> Any:
    """Take of each source its own rows."""
    n_sources, n_rows, *rest = a.shape
    if n_sources > 1:
        index = index + n_rows * np.arange(n_sources, dtype=np.int32)[:, None]
    return backend().take(ops.reshape(a, (n_sources * n_rows, *rest)), index)
