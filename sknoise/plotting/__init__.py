"""Figures, as scikit-learn's Displays. They need matplotlib, which is imported to draw."""

from sknoise.plotting._noise_curve import NoiseCurveDisplay

__all__ = ["NoiseCurveDisplay"]
