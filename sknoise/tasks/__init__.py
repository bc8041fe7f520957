"""What users pass, checked, and read into a task for an engine; before TensorFlow is needed."""

from sknoise.tasks._automatic import AUTOMATIC
from sknoise.tasks._between import noise_between_classes
from sknoise.tasks._data import part_of, validation_rows, warn_of_other_units, warn_of_scales
from sknoise.tasks._errors import check_collected, check_no_dates, named_overflow, named_targets
from sknoise.tasks._noise import SCHEDULES, schedule_factors
from sknoise.tasks._parameters import plain_learning_rate
from sknoise.tasks._targets import (
    check_indicators,
    check_labels,
    check_targets,
    encode,
    warn_of_one_hot,
)
from sknoise.tasks._task import Measured, draw_key, read_task
from sknoise.tasks._units import read_units
from sknoise.tasks._weights import check_weights, class_weighted, counted

__all__ = [
    "AUTOMATIC",
    "SCHEDULES",
    "Measured",
    "check_collected",
    "check_indicators",
    "check_labels",
    "check_no_dates",
    "check_targets",
    "check_weights",
    "class_weighted",
    "counted",
    "draw_key",
    "encode",
    "named_overflow",
    "named_targets",
    "noise_between_classes",
    "part_of",
    "plain_learning_rate",
    "read_task",
    "read_units",
    "schedule_factors",
    "validation_rows",
    "warn_of_one_hot",
    "warn_of_other_units",
    "warn_of_scales",
]
