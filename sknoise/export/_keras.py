"""What Keras must be told before it loads a saved model with our noise in it."""

from __future__ import annotations


def register_keras() -> None:
    """Teach Keras to load saved models whose noise is not its own ``GaussianNoise``.

    ``model_.save`` writes such noise (uniform or Laplace, multiplied, of a standard deviation
    above 1, or another for each feature) as a layer of this library. Call this before
    ``keras.saving.load_model`` in a process that has trained nothing. Imports Keras.

    See Also
    --------
    register_onnx : The same for skl2onnx, which saves models to run without Python.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sknoise import NoisyMLPClassifier, register_keras
    >>> X, y = make_circles(n_samples=60, noise=0.1, factor=0.5, random_state=1)
    >>> clf = NoisyMLPClassifier(5, noise_distribution="uniform", epochs=1).fit(X, y)
    >>> register_keras()
    >>> import keras
    >>> keras.Sequential.from_config(clf.model_.get_config()).layers[0].distribution
    'uniform'
    """
    # What registers the layer is its decorator.
    import sknoise.keras._layer  # noqa: F401
