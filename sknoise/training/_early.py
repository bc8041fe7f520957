"""Early stopping inside the program, for each network of a stack by its own rule."""

from __future__ import annotations

import tensorflow as tf

from sknoise.training._inputs import StoppingRule, StoppingState


def watched(
    rule: StoppingRule,
    state: StoppingState,
    weights: tf.Tensor,
    figures: tf.Tensor,
    n_epochs: tf.Tensor,
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
    figure = rule.sign * tf.gather(tf.transpose(figures), rule.monitor, batch_dims=1)
    better = active & (figure < state.figure - rule.min_delta)
    wait = tf.where(better, 0, state.wait + 1)
    stops = active & (wait >= rule.patience) & ~better
    kept = tf.where(rule.restore, better, stops)
    return StoppingState(
        figure=tf.where(better, figure, state.figure),
        wait=tf.where(active, wait, state.wait),
        epochs=tf.where(stops, n_epochs, state.epochs),
        weights=tf.where(kept[:, None], weights, state.weights),
    )
