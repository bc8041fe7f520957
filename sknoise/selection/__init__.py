"""Estimators that choose noise, penalty and length of training by cross-validation."""

from sknoise.selection._classifier import NoisyMLPClassifierCV
from sknoise.selection._regressor import NoisyMLPRegressorCV

__all__ = ["NoisyMLPClassifierCV", "NoisyMLPRegressorCV"]
