"""What is said of a training run that ended otherwise than hoped for."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknoise.engines import Trained


class DivergedError(ValueError):
    """The loss of a training, or a weight, did not stay finite."""


def check_finite(trained: Trained, learning_rate: Any) -> None:
    """Raise an error where training diverged.

    Parameters
    ----------
    trained : Trained
    learning_rate : object
        As users gave it, for the message.

    Raises
    ------
    ValueError
        A ``DivergedError``, if the loss did not stay finite, or a weight.
    """
    loss = trained.history["loss"]
    if np.isfinite(loss).all() and all(np.isfinite(w).all() for w in trained.model.state.weights):
        return
    what = "the last step left weights that are not finite"
    if not np.isfinite(loss).all():
        epoch = int(np.argmin(np.isfinite(loss)))
        what = f"the loss was {loss[epoch]} in epoch {epoch + 1}"
    raise DivergedError(
        f"Training diverged: {what}. Scale the features "
        "(sklearn.preprocessing.StandardScaler), or lower "
        f"learning_rate={learning_rate} or the noise."
    )


def warn_of_outcome(trained: Trained, epochs: int, interrupted: bool) -> None:
    """Warn of validation figures that are not finite, and of training that was interrupted.

    Parameters
    ----------
    trained : Trained
    epochs : int
        How many were asked for.
    interrupted : bool

    Warns
    -----
    ConvergenceWarning
        If the validation loss did not stay finite.
    UserWarning
        If training was interrupted.
    """
    validated = trained.history.get("val_loss", np.zeros(0))
    if not np.isfinite(validated).all():
        epoch = int(np.argmin(np.isfinite(validated)))
        warnings.warn(
            f"val_loss was {validated[epoch]} in epoch {epoch + 1}, though loss was finite: "
            "validation data has values that are far from those of the training data.",
            ConvergenceWarning,
            stacklevel=5,
        )
    if interrupted:
        n_epochs = len(trained.history["loss"])
        warnings.warn(
            f"Training was interrupted after {n_epochs} of {epochs} epochs. The model is "
            "as these have left it; warm_start=True goes on from there.",
            UserWarning,
            stacklevel=5,
        )
