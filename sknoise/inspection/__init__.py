"""What noise does on given data: its curve, and the verdict."""

from sknoise.inspection._noise_curve import NOISE_LEVELS, PARAM_NAMES, noise_curve
from sknoise.inspection._result import NoiseCurve
from sknoise.selection import CONFIDENCE

__all__ = ["CONFIDENCE", "NOISE_LEVELS", "PARAM_NAMES", "NoiseCurve", "noise_curve"]
