"""A progress bar over epochs, Keras's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from sknoise.training._types import Progress


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

    def report(done: int, figures: Mapping[str, float]) -> None:
        nonlocal bar
        if bar is None:
            bar = keras.utils.Progbar(epochs, stateful_metrics=list(figures), unit_name="epoch")
        bar.update(done, [(name, float(value)) for name, value in figures.items()])

    return report
