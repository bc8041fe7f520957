"""Early stopping inside the program, for each network of a stack by its own rule."""

from __future__ import annotations

from typing import Any

from keras import ops

from sknoise.training._inputs import StoppingRule, StoppingState


def watched(
    rule: StoppingRule,
    state: StoppingState,
    weights: Any,
    figures: Any,
    n_epochs: Any,
) -> StoppingState:
    """Look at an epoch, as Keras's ``EarlyStopping`` does.

    Parameters
    ----------
    rule : StoppingRule
    state : StoppingState
        Before the epoch.
    weights : tensor of shape (n_networks, n_weights)
        After the epoch.
    figures : tensor of shape (n_figures, n_networks)
        Of the epoch.
    n_epochs : scalar tensor, dtype int32
        Number of epochs done, this one included.

    Returns
    -------
    StoppingState
        A network that had stopped before keeps what it had then.
    """
    active = state.epochs == 0
    figure = rule.sign * ops.take_along_axis(figures, rule.monitor[None], axis=0)[0]
    better = active & (figure < state.figure - rule.min_delta)
    wait = ops.where(better, 0, state.wait + 1)
    stops = active & (wait >= rule.patience) & ~better
    kept = ops.where(rule.restore, better, stops)
    return StoppingState(
        figure=ops.where(better, figure, state.figure),
        wait=ops.where(active, wait, state.wait),
        epochs=ops.where(stops, n_epochs, state.epochs),
        weights=ops.where(kept[:, None], weights, state.weights),
    )
