"""What users pass, checked, and read into a task for an engine; before TensorFlow is needed."""

from sknoise.tasks._data import validation_rows, warn_of_scales
from sknoise.tasks._errors import named_overflow, named_targets
from sknoise.tasks._noise import SCHEDULES
from sknoise.tasks._targets import check_indicators, check_labels, check_targets, encode
from sknoise.tasks._task import Measured, draw_key, read_task
from sknoise.tasks._units import read_units
from sknoise.tasks._weights import check_weights, class_weighted

__all__ = [
    "SCHEDULES",
    "Measured",
    "check_indicators",
    "check_labels",
    "check_targets",
    "check_weights",
    "class_weighted",
    "draw_key",
    "encode",
    "named_overflow",
    "named_targets",
    "read_task",
    "read_units",
    "validation_rows",
    "warn_of_scales",
]
