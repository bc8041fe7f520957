"""What targets are standardised by: their weighted mean and standard deviation."""

from __future__ import annotations

import numpy as np

from sknoise.training._units import Units

# So that nothing that is computed from targets and weights leaves double precision.
_LARGEST = 1e300


def read_units(y: np.ndarray, weight: np.ndarray, exponential: bool) -> Units:
    """Give what targets are standardised by, each output by itself.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_outputs), dtype float64
        Targets.
    weight : ndarray of shape (n_rows,), dtype float64
        Non-negative weights, not all 0.
    exponential : bool
        Whether the output's activation is the exponential function. Then targets, which are 0
        or larger, are divided by their mean.

    Returns
    -------
    Units
        The same to the last bit for rows in another order, and for repetitions in place of
        weights.

    Raises
    ------
    ValueError
        If a target is too large.
    """
    largest = np.abs(y).max()
    if largest > _LARGEST:
        raise ValueError(f"y has {largest:.3g} or its negative; targets go up to {_LARGEST:g}.")
    # As training leaves them out.
    kept = weight > weight.max() * np.finfo(np.float32).tiny
    mean, deviation = np.transpose([_moments(column, weight[kept]) for column in y[kept].T])
    if exponential:
        return Units(np.zeros_like(mean), np.where(mean > 0, mean, 1.0), True)
    return Units(mean, np.where(deviation > 0, deviation, 1.0), False)


def _moments(y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Give weighted mean and standard deviation, by sums over the distinct values in order."""
    order = np.lexsort((weight, y))
    y, weight = y[order], weight[order]
    starts = np.flatnonzero(np.concatenate([[True], y[1:] != y[:-1]]))
    values = y[starts]
    share = np.add.reduceat(weight, starts)
    share /= share.max()
    share /= share.sum()
    # From the least value on, so that a constant is exactly its mean.
    mean = values[0] + float((share * (values - values[0])).sum())
    off = values - mean
    largest = float(np.abs(off).max())
    if not largest:
        return mean, 0.0
    # In units of the largest, whose squares neither overflow nor vanish.
    return mean, largest * float(np.sqrt((share * (off / largest) ** 2).sum()))
