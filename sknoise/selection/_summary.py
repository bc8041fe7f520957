"""A search in words: what was chosen, and whether noise was worth it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknoise.selection._corrected import CONFIDENCE, corrected_intervals


def summary_of(
    results: dict[str, Any], best: int, n_epochs: int, on_all_rows: int, test_ratio: float
) -> str:
    """Tell what came of a search.

    Parameters
    ----------
    results : dict
        As ``cv_results_``.
    best : int
        Number of the chosen candidate.
    n_epochs : int
        The longest training that was tried.
    on_all_rows : int
        Epochs that are as long on all rows as the chosen ones are on a fold's.
    test_ratio : float
        Rows held out over rows trained on.

    Returns
    -------
    str
    """
    splits = [name for name in results if name.startswith("split")]
    scores = np.array([results[name] for name in splits]).T
    chosen = ", ".join(f"{name}={value:.3g}" for name, value in results["params"][best].items())
    error = scores[best].std(ddof=1) / len(splits) ** 0.5
    lines = [
        f"Chosen of {len(scores)} candidates by {len(splits)} folds: {chosen}, after "
        f"{results['n_iter'][best]} of {n_epochs} epochs, which is as long as {on_all_rows} on "
        "all rows.",
        f"Mean score on held-out rows: {scores[best].mean():.4g} (standard error {error:.2g}).",
    ]
    return "\n".join([*lines, _worth(results, scores, test_ratio)])


def _worth(results: dict[str, Any], scores: np.ndarray, test_ratio: float) -> str:
    """Compare the best candidate with noise and the best without, fold by fold."""
    noisy = (results["param_noise_input"] > 0) | (results["param_noise_hidden"] > 0)
    means = np.where(np.isnan(scores).any(axis=1), -np.inf, results["mean_test_score"])
    without, with_noise = (
        int(np.argmax(np.where(which, means, -np.inf))) for which in (~noisy, noisy)
    )
    if not np.isfinite(means[~noisy]).any() or not np.isfinite(means[noisy]).any():
        return "Whether noise was worth it cannot be said: only one of both was tried."
    difference = scores[with_noise] - scores[without]
    low, high = corrected_intervals(difference, test_ratio)
    verdict = "Cannot be said" if low <= 0 <= high else ("Yes" if low > 0 else "No")
    return (
        f"Was noise worth it? {verdict}: noise_input="
        f"{results['param_noise_input'][with_noise]:.3g} changes the score by "
        f"{difference.mean():+.2g} [{low:+.2g}, {high:+.2g}] ({CONFIDENCE:.0%} interval), "
        "each at its best penalty and length."
    )
