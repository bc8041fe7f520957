"""From a task to a result: which engine trains it, and who listens meanwhile."""

from sknoise.engines._interrupt import StopOnCtrlC
from sknoise.engines._keras import made_of, wrapped
from sknoise.engines._listeners import Listener
from sknoise.engines._train import ENGINES, choose, prepare, train
from sknoise.engines._types import Before, Order, Trained
from sknoise.training._fork import is_forked

__all__ = [
    "ENGINES",
    "Before",
    "Listener",
    "Order",
    "StopOnCtrlC",
    "Trained",
    "choose",
    "is_forked",
    "made_of",
    "prepare",
    "train",
    "wrapped",
]
