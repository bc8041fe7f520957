"""Estimators that choose noise, penalty and length of training by cross-validation."""

from sknoise.selection._classifier import NoisyMLPClassifierCV
from sknoise.selection._corrected import CONFIDENCE, corrected_errors, corrected_intervals
from sknoise.selection._regressor import NoisyMLPRegressorCV

__all__ = [
    "CONFIDENCE",
    "NoisyMLPClassifierCV",
    "NoisyMLPRegressorCV",
    "corrected_errors",
    "corrected_intervals",
]
