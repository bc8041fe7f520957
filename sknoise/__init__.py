"""Small neural networks regularised by noise, as scikit-learn estimators."""

from sknoise._classifier import NoisyMLPClassifier
from sknoise._noise_curve import noise_curve
from sknoise._noise_curve_result import NoiseCurve
from sknoise._onnx import register_onnx
from sknoise._register_keras import register_keras
from sknoise._regressor import NoisyMLPRegressor
from sknoise._show_versions import show_versions
from sknoise._version import __version__
from sknoise.parallel import register
from sknoise.training._cache import clear_cache

__all__ = [
    "NoiseCurve",
    "NoisyMLPClassifier",
    "NoisyMLPRegressor",
    "__version__",
    "clear_cache",
    "noise_curve",
    "register_keras",
    "register_onnx",
    "show_versions",
]

register()
