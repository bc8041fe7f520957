"""Figures of training curves, searches and robustness, as scikit-learn's Displays."""

from sknoise.plotting._robustness import RobustnessDisplay
from sknoise.plotting._search_map import SearchMapDisplay
from sknoise.plotting._training_curve import Diagnosis, TrainingCurveDisplay

__all__ = ["Diagnosis", "RobustnessDisplay", "SearchMapDisplay", "TrainingCurveDisplay"]
