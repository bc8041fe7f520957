"""Figures, as scikit-learn's Displays. They need matplotlib, which is imported to draw."""

from sknoise.plotting._noise_curve import NoiseCurveDisplay
from sknoise.plotting._robustness import RobustnessDisplay
from sknoise.plotting._search_map import SearchMapDisplay
from sknoise.plotting._training_curve import Diagnosis, TrainingCurveDisplay

__all__ = [
    "Diagnosis",
    "NoiseCurveDisplay",
    "RobustnessDisplay",
    "SearchMapDisplay",
    "TrainingCurveDisplay",
]
