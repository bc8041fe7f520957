"""The Keras layer that stands for a noise site in a Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="sknoise")
class Noise(keras.layers.Layer):
    """Noise in training only, of any standard deviation and of several distributions.

    Parameters
    ----------
    stddev : float
        Standard deviation, 0 or larger.
    distribution : {"gaussian", "uniform", "laplace"}, default="gaussian"
        Distribution of the noise, whose mean is 0.
    multiplicative : bool, default=False
        Whether to multiply by 1 + noise; otherwise the noise is added.
    scale : sequence of float or None, default=None
        What multiplies the noise of each feature; None is 1.
    seed : int or None, default=None
        Seed of the draws.
    **kwargs
        Arguments of ``keras.layers.Layer``.
    """

    def __init__(
        self,
        stddev: float,
        distribution: str = "gaussian",
        multiplicative: bool = False,
        scale: Sequence[float] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stddev = stddev
        self.distribution = distribution
        self.multiplicative = multiplicative
        self.scale = None if scale is None else [float(s) for s in scale]
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Add the noise, or multiply by it, in training."""
        if not training:
            return inputs
        noise = self.stddev * self._draws(keras.ops.shape(inputs))
        if self.scale is not None:
            noise = noise * keras.ops.convert_to_tensor(self.scale, dtype=noise.dtype)
        return inputs * (1 + noise) if self.multiplicative else inputs + noise

    def _draws(self, shape: Any) -> Any:
        """Draw with mean 0 and variance 1."""
        if self.distribution == "gaussian":
            return keras.random.normal(shape, dtype=self.compute_dtype, seed=self.seed_generator)
        x = keras.random.uniform(
            shape, -1.0, 1.0, dtype=self.compute_dtype, seed=self.seed_generator
        )
        if self.distribution == "uniform":
            return x * 3**0.5
        # -1 is a possible draw, and its quantile infinite.
        tail = keras.ops.maximum(1 - keras.ops.abs(x), keras.config.epsilon())
        return -keras.ops.sign(x) * keras.ops.log(tail) / 2**0.5

    def get_config(self) -> dict[str, Any]:
        """Give the arguments of the constructor."""
        names = ("stddev", "distribution", "multiplicative", "scale", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def noise_layer(
    stddev: float,
    seed: int,
    distribution: str,
    multiplicative: bool,
    scale: Sequence[float] | None,
    **kwargs: Any,
) -> keras.layers.Layer:
    """Make the layer of a site: Keras's own where Keras has it.

    Parameters
    ----------
    stddev, seed, distribution, multiplicative, scale, **kwargs
        As in ``Noise``.

    Returns
    -------
    keras.layers.Layer
    """
    if distribution == "gaussian" and not multiplicative and scale is None and stddev <= 1:
        return keras.layers.GaussianNoise(stddev, seed=seed, **kwargs)
    return Noise(stddev, distribution, multiplicative, scale, seed, **kwargs)
