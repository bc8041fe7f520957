"""Parameters that may be "auto": what they are then follows from the training data."""

from __future__ import annotations

from typing import Any

# What each is then, times the square of the fraction of the targets' variance that the features
# leave unexplained. benchmarks/real has the evidence.
AUTOMATIC = {"alpha": 0.6, "noise_input": 0.2, "noise_hidden": 0.03}


def is_automatic(value: Any) -> bool:
    """Say whether a parameter follows from the data."""
    return isinstance(value, str) and value == "auto"


def automatic(name: str, value: Any, unexplained: float | None) -> Any:
    """Give a parameter, or what follows from the data where it is "auto".

    Parameters
    ----------
    name : {"alpha", "noise_input", "noise_hidden"}
    value : object
        As the user gave it.
    unexplained : float or None
        Fraction of the targets' variance, from 0 to 1; None where no parameter is "auto".

    Returns
    -------
    object
    """
    if not is_automatic(value):
        return value
    assert unexplained is not None
    return AUTOMATIC[name] * unexplained**2
