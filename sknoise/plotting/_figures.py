"""What the Displays share: colours, figures, and the interval of a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from sklearn.utils._optional_dependencies import check_matplotlib_support

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which the colour-blind can tell apart, less yellow and black; in an
# order in which neighbours differ most.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GREY = "0.4"


def new_axes(caller: str, n_panels: int = 1, size: tuple[float, float] = (6, 4)) -> list[Axes]:
    """Make a figure with panels beside one another.

    Parameters
    ----------
    caller : str
        Who needs matplotlib, for the error that says that it is missing.
    n_panels : int, default=1
    size : tuple of float, default=(6, 4)
        Width and height of each panel, in inches.

    Returns
    -------
    list of matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    figsize = (size[0] * n_panels, size[1])
    _, axes = plt.subplots(1, n_panels, figsize=figsize, layout="constrained", squeeze=False)
    return list(axes[0])


def mean_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the mean along the last axis, and the ends of its 95 % t interval.

    Parameters
    ----------
    values : ndarray of shape (..., n_values)

    Returns
    -------
    mean, low, high : ndarray of shape (...)
        A single value has no interval: low and high are then NaN.
    """
    n_values = values.shape[-1]
    mean = values.mean(axis=-1)
    if n_values == 1:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    margin = stats.t.ppf(0.975, n_values - 1) * values.std(axis=-1, ddof=1) / np.sqrt(n_values)
    return mean, mean - margin, mean + margin
