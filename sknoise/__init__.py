"""Small neural networks regularised by noise, as scikit-learn estimators."""

from sknoise._classifier import NoisyMLPClassifier
from sknoise.training._cache import clear_cache

__version__ = "0.1.0.dev0"

__all__ = ["NoisyMLPClassifier", "__version__", "clear_cache"]
