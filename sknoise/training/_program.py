"""A compiled program: it trains a stack of networks, and can be called by several threads."""

from __future__ import annotations

import threading

import numpy as np

from sknoise.training._backends import Compiled, backend
from sknoise.training._collector import uncollected
from sknoise.training._epochs import Training
from sknoise.training._inputs import Inputs, ProgramState, StoppingState
from sknoise.training._spec import Spec


class Program:
    """The compiled training of one spec, a pure function.

    Parameters
    ----------
    spec : Spec
        The static facts.

    Attributes
    ----------
    fresh_optimizer : list of ndarray
        The optimizer's variables before the first step.
    n_traces : int
        How often the program was traced.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.n_traces = 0
        self._lock = threading.Lock()
        training = Training(spec)
        self.fresh_optimizer = training.fresh_optimizer
        # Goes once it is compiled: the graph takes more memory than what comes of it.
        self._training: Training | None = training
        self._run: Compiled | None = None

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
            Number of epochs, at most ``MAX_EPOCHS``. Fewer are done where all networks have
            stopped early.

        Returns
        -------
        state : ProgramState
            What training ended with.
        history : ndarray of shape (epochs, n_figures, n_networks), dtype float32
            The figures named in the spec.
        """
        # Steps are counted modulo 2**32, as draws are.
        step = np.uint32(state.n_steps & 0xFFFFFFFF).view(np.int32)
        counts = [np.int32(state.n_epochs), step, np.int32(epochs)]
        arguments = (state.weights, state.optimizer, state.stopping, inputs, *counts)
        with self._lock:
            if self._training is not None:
                with uncollected():
                    self._run = backend().Compiled(self._training.epochs, arguments)
                self._training = None
                self.n_traces += 1
            assert self._run is not None
            weights, *rest, history, n_done = self._run(arguments)
        n = len(state.optimizer)
        ended = ProgramState(
            weights,
            rest[:n],
            StoppingState(*rest[n:]) if rest[n:] else None,
            state.n_epochs + int(n_done),
            state.n_steps + int(n_done * inputs.n_batches),
        )
        return ended, history[:n_done]
