"""``Verdict``: whether noise helps, in a word, in figures and in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sknoise.selection import CONFIDENCE


@dataclass(frozen=True)
class Verdict:
    """Whether noise helps: true or false in an ``if``, a sentence in ``print``.

    The sentence says "Yes" where the whole interval is on the better side of 0, "No" where it
    is on the worse side, so that even the best noise hurts, "Not clearly" in between, and "Cannot
    say" where there is nothing to compare. It also says whether each level was judged at its own
    best length of training, or all at the same one. All parameters are stored as attributes.

    Parameters
    ----------
    helps : bool
        Whether the whole interval is on the better side of 0.
    metric : str
        What it was judged by.
    param_name : str
        Where the noise acts that did best, no noise aside.
    noise_level : float
        Its level.
    difference : float
        Mean paired difference of the metric to no noise, in the units of the metric; NaN where
        no noise, or all noise, has none.
    interval : tuple of (float, float)
        Lower and upper end of the interval for it, at 95 % for all candidates together.
    n_candidates : int
        Number of pairs of place and level among which it was the best, and for which the
        interval is corrected (Bonferroni).
    epochs : tuple of (int, int) or None
        Median over the splits of the epochs of the best noise, and of no noise; None is as many
        as the estimator trains for.
    own_lengths : bool
        Whether each level was judged at its own best length.
    """

    helps: bool
    metric: str
    param_name: str
    noise_level: float
    difference: float
    interval: tuple[float, float]
    n_candidates: int
    epochs: tuple[int, int] | None
    own_lengths: bool

    def __bool__(self) -> bool:
        return self.helps

    def __str__(self) -> str:
        if math.isnan(self.difference):
            return f"Cannot say: {self.metric} is NaN without noise, or at all levels of it."
        low, high = self.interval
        start = "No: even the best noise"
        if self.helps:
            start = "Yes: the best noise"
        elif low <= 0 <= high:
            start = "Not clearly: the best noise"
        lengths = "both as long as the estimator trains"
        if self.epochs is not None:
            noisy, silent = self.epochs
            lengths = f"both after {silent} epochs"
            if self.own_lengths:
                lengths = f"each at its own best length, {noisy} and {silent} epochs"
        return (
            f"{start}, {self.param_name}={self.noise_level:g}, changes {self.metric} by "
            f"{self.difference:+.3g} [{low:+.3g}, {high:+.3g}] against no noise, {lengths} "
            f"({CONFIDENCE:.0%} interval, corrected for choosing the best of {self.n_candidates})."
        )
