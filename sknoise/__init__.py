"""Small neural networks regularised by noise, as scikit-learn estimators."""

from sknoise._versions import __version__, show_versions
from sknoise.estimators import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.export import register_keras, register_onnx
from sknoise.inspection import NoiseCurve, noise_curve
from sknoise.parallel import register
from sknoise.selection import NoisyMLPClassifierCV, NoisyMLPRegressorCV
from sknoise.training._cache import clear_cache

__all__ = [
    "NoiseCurve",
    "NoisyMLPClassifier",
    "NoisyMLPClassifierCV",
    "NoisyMLPRegressor",
    "NoisyMLPRegressorCV",
    "__version__",
    "clear_cache",
    "noise_curve",
    "register_keras",
    "register_onnx",
    "show_versions",
]

register()
