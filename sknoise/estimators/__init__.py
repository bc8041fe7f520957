"""The public classes: parameters, fitting, prediction, and what is saved of them."""

from sknoise.estimators._base import BaseNoisyMLP, unchanged_by_errors
from sknoise.estimators._classifier import NoisyMLPClassifier
from sknoise.estimators._outcome import DivergedError, check_finite
from sknoise.estimators._persistence import loaded, saved
from sknoise.estimators._prediction import log_probabilities
from sknoise.estimators._regressor import NoisyMLPRegressor

__all__ = [
    "BaseNoisyMLP",
    "DivergedError",
    "NoisyMLPClassifier",
    "NoisyMLPRegressor",
    "check_finite",
    "loaded",
    "log_probabilities",
    "saved",
    "unchanged_by_errors",
]
