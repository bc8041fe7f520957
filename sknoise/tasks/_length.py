"""How long training lasts: the rows in a step, and the number of epochs."""

from __future__ import annotations

import math
import sys

# How the steps grow with the rows, from those on 400 on: in a search over folds, four fifths of
# the rows must train about as long as all of them. benchmarks/real has the evidence.
_ROWS, _POWER = 400, 1 / 3
_STEPS_AN_EPOCH = 16
_FEWEST_ROWS, _MOST_ROWS = 4, 256
# A step has a multiple of so many rows, relative to the power of two below: few sizes, so that
# folds whose numbers of rows differ by one share a program. With few epochs the multiples are
# finer.
_COARSE, _FINE = 1 / 4, 1 / 32


def rows_in_a_step(batch_size: int | str | None, n_rows: int, usual: int) -> int:
    """Read the parameter ``batch_size``.

    Parameters
    ----------
    batch_size : int, "auto" or None
        "auto" is about a sixteenth of the rows, at least 4 and at most 256. None is all rows,
        however many.
    n_rows : int
        Number of rows.
    usual : int
        Number of steps on 400 rows, where ``epochs`` is "auto".

    Returns
    -------
    int
    """
    if batch_size is None:
        return sys.maxsize
    if batch_size != "auto":
        return int(batch_size)
    if n_rows <= _STEPS_AN_EPOCH * _MOST_ROWS:
        size = max(_FEWEST_ROWS, n_rows / _STEPS_AN_EPOCH)
        unit = max(1, int(_COARSE * 2 ** math.floor(math.log2(size))))
        return unit * round(size / unit)
    # There are few epochs then, and so their number is rounded coarsely. Steps of a little less
    # than the most rows make up for that.
    steps = _steps_on(n_rows, usual)
    epochs = math.floor(_MOST_ROWS * steps / n_rows)
    if epochs < 1:
        return _MOST_ROWS
    unit = int(_FINE * _MOST_ROWS / 2)
    return unit * math.ceil(n_rows * epochs / steps / unit)


def number_of_epochs(epochs: int | str, n_rows: int, n_steps: int, usual: int) -> int:
    """Read the parameter ``epochs``.

    Parameters
    ----------
    epochs : int or "auto"
        "auto" makes about usual * (n_rows / 400) ** (1 / 3) steps.
    n_rows : int
        Number of rows.
    n_steps : int
        Number of steps in an epoch.
    usual : int
        Number of steps on 400 rows.

    Returns
    -------
    int
    """
    return max(1, round(_steps_on(n_rows, usual) / n_steps)) if epochs == "auto" else int(epochs)


def _steps_on(n_rows: int, usual: int) -> float:
    return usual * (n_rows / _ROWS) ** _POWER
