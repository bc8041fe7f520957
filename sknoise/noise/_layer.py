"""The Keras layer that stands for a noise site in a Keras model."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="sknoise")
class WideGaussianNoise(keras.layers.GaussianNoise):
    """Keras's ``GaussianNoise`` for a standard deviation above 1, which Keras refuses.

    Parameters
    ----------
    stddev : float
        Standard deviation, 0 or larger.
    seed : int or None, default=None
        Seed of the draws.
    **kwargs
        Arguments of ``keras.layers.Layer``.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        # Keras checks the argument in the constructor only.
        super().__init__(min(stddev, 1.0), seed=seed, **kwargs)
        self.stddev = stddev


def gaussian_noise(stddev: float, seed: int, **kwargs: Any) -> keras.layers.Layer:
    """Make the layer: Keras's own where Keras allows it.

    Parameters
    ----------
    stddev : float
        Standard deviation, above 0.
    seed : int
        Seed of the draws.
    **kwargs
        Arguments of ``keras.layers.Layer``.

    Returns
    -------
    keras.layers.GaussianNoise
    """
    layer = keras.layers.GaussianNoise if stddev <= 1 else WideGaussianNoise
    return layer(stddev, seed=seed, **kwargs)
