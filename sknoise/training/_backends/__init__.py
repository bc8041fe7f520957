"""What Keras's ops have not, once for each backend of Keras that programs are compiled on."""

from sknoise.training._backends._choose import (
    backend,
    check_backend,
    reason_against_backend,
)
from sknoise.training._backends._types import Backend, Compiled, Held

__all__ = [
    "Backend",
    "Compiled",
    "Held",
    "backend",
    "check_backend",
    "reason_against_backend",
]
