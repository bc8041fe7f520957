"""Small neural networks regularised by noise, as scikit-learn estimators."""

from sknoise._classifier import NoisyMLPClassifier
from sknoise._regressor import NoisyMLPRegressor
from sknoise._show_versions import show_versions
from sknoise._version import __version__
from sknoise.parallel import register
from sknoise.training._cache import clear_cache

__all__ = [
    "NoisyMLPClassifier",
    "NoisyMLPRegressor",
    "__version__",
    "clear_cache",
    "show_versions",
]

register()
