"""How far apart classes are: what levels of noise go by that an estimator chooses among."""

from __future__ import annotations

import numpy as np

from sknoise.tasks._unexplained import squared_distances
from sknoise.training._types import Rows

# More rows take longer (the square of their number) and change little.
_MOST_ROWS = 500
# So that processors that round differently agree.
_DIGITS = 3


def noise_between_classes(data: Rows) -> float:
    """Give a level of input noise that goes by the way to the nearest row of another class.

    Noise of that level goes w / 2 of the way, in the median, where w is the way over the root of
    the number of features, in units of their root mean square deviation. The nearer the classes,
    the less of the way it goes.

    Parameters
    ----------
    data : Rows
        With labels; distinct rows, in the order of their keys: the first are a random choice.

    Returns
    -------
    float
        A standard deviation, in the units of the features; 0 where there is one class only.
    """
    X, y = data.X[:_MOST_ROWS].astype(np.float64), data.y[:_MOST_ROWS]
    X = X - X.mean(axis=0)
    deviation = np.sqrt((X**2).mean())
    if deviation == 0 or (y == y[0]).all():
        return 0.0
    X /= deviation
    distance = squared_distances(X)
    distance[y[:, None] == y] = np.inf
    squared_way = np.median(distance.min(axis=1)) / X.shape[1]
    return float(f"{deviation * squared_way / 2:.{_DIGITS}g}")
