"""The public classes: parameters, fitting, prediction, and what is saved of them."""

from sknoise.estimators._classifier import NoisyMLPClassifier
from sknoise.estimators._regressor import NoisyMLPRegressor

__all__ = ["NoisyMLPClassifier", "NoisyMLPRegressor"]
