"""The choice: which candidate, and which length of training, by the mean over all folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Each length that is tried is so many times the next shorter one; the shortest is 1/64 of the
# longest. benchmarks/real has the evidence that nothing is won by finer steps.
_RATIO = 2 ** (1 / 3)
_N_LENGTHS = 19


def tried_epochs(n_epochs: int) -> tuple[int, ...]:
    """Give the lengths that are tried, as numbers of epochs.

    Parameters
    ----------
    n_epochs : int
        The longest.

    Returns
    -------
    tuple of int
        From the shortest on; the same one twice where epochs are few.
    """
    lengths = n_epochs / _RATIO ** np.arange(_N_LENGTHS - 1, -1, -1)
    return tuple(np.maximum(np.rint(lengths).astype(int), 1).tolist())


def extended(curve: np.ndarray, n_epochs: int) -> np.ndarray:
    """Let a curve go on to a number of epochs.

    Parameters
    ----------
    curve : ndarray of shape (n_done,)
        Of a network that perhaps gave up, or diverged.
    n_epochs : int

    Returns
    -------
    ndarray of shape (n_epochs,)
        It ends with the last value, which is where the network stays; inf from where it is not
        finite.
    """
    missing = max(0, n_epochs - len(curve))
    whole = np.concatenate([curve[:n_epochs], np.full(missing, curve[-1])])
    whole[np.cumsum(~np.isfinite(whole)) > 0] = np.inf
    return whole


def best_lengths(losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Find each candidate's best length.

    Parameters
    ----------
    losses : ndarray of shape (n_candidates, n_folds, n_lengths)
    weights : ndarray of shape (n_folds,)

    Returns
    -------
    ndarray of shape (n_candidates,), of integers
        Its index, where the weighted mean over folds is least.
    """
    return np.average(losses, axis=1, weights=weights).argmin(axis=1)


def best_candidate(
    losses: np.ndarray,
    weights: np.ndarray,
    noises: Sequence[tuple[float, ...]],
    least_noise: bool,
) -> int:
    """Choose a candidate.

    Parameters
    ----------
    losses : ndarray of shape (n_candidates, n_folds)
        Of each at its length; less is better.
    weights : ndarray of shape (n_folds,)
    noises : sequence of tuple of float
        The levels of each candidate.
    least_noise : bool
        Whether to take the one of least noise whose mean is within one standard error of the
        best mean, as Breiman et al. (1984) choose the simplest tree.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If no mean is finite.
    """
    means = np.average(losses, axis=1, weights=weights)
    best = int(np.argmin(np.where(np.isnan(means), np.inf, means)))
    if not np.isfinite(means[best]):
        raise ValueError(
            "Training diverged with all candidates: their losses did not stay finite. Scale the "
            "features (sklearn.preprocessing.StandardScaler), or lower learning_rate."
        )
    if not least_noise:
        return best
    error = losses[best].std(ddof=1) / len(weights) ** 0.5
    near = [i for i, mean in enumerate(means) if mean <= means[best] + error]
    return min(near, key=lambda i: (noises[i], means[i]))
