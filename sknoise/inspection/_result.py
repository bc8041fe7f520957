"""``NoiseCurve``, the result of ``noise_curve``: scores, intervals, and the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sknoise.inspection._verdict import Verdict
from sknoise.selection import corrected_errors, corrected_intervals

# Whether more of it is better.
_GREATER_IS_BETTER = {
    "log_loss": False,
    "accuracy": True,
    "calibration_error": False,
    "root_mean_squared_error": False,
    "r2": True,
}


@dataclass(frozen=True, eq=False)
class NoiseCurve:
    """Scores of networks that differ in the level and the place of their noise.

    Made by ``noise_curve``. All parameters are stored as attributes.

    Parameters
    ----------
    param_names : tuple of str
        The parameters that were varied, each by itself.
    noise_levels : ndarray of shape (n_levels,)
        The levels, ascending. The first is 0: no noise, which is the same network for all
        parameters.
    scores : dict of str to ndarray of shape (n_params, n_levels, n_splits)
        Each metric on the test rows of each split, in its own units: a loss or an error is
        better where it is smaller. NaN where training diverged, or the metric needs more rows; a
        level that has one never is the best.
    metric : str
        The one that decides, a key of ``scores``.
    seeds : ndarray of shape (n_splits,), dtype int64
        ``random_state`` of the estimator in each split.
    test_ratio : float
        Number of test rows divided by that of training rows, a mean over the splits.
    epochs : ndarray of shape (n_params, n_levels, n_splits), dtype int64, or None, default=None
        Number of epochs after which each network was scored; None is as many as the estimator
        trains for.
    at_length : dict of float to NoiseCurve, or None, default=None
        Where each level is scored at its own best length of training: the curves of all lengths
        that were tried, each the same for all levels, by the multiple of the epochs that the
        estimator trains for. None where there is one length.

    Attributes
    ----------
    best_ : dict of str to float
        Parameters of the best mean, no noise included; for ``set_params``. With the length that
        goes with it, as ``epochs``, where lengths were tried.
    one_se_ : dict of str to float
        Parameters of the least noise that is within one standard error of the best [2]_. With the
        length that goes with it, as ``epochs``, where lengths were tried.
    helps : Verdict
        Whether the best level of noise is better than none: true or false in an ``if``, a
        sentence with its interval in ``print``.
    means : ndarray of shape (n_params, n_levels)
        Mean of the metric over the splits.
    differences : ndarray of shape (n_params, n_levels, n_splits)
        Difference to no noise in each split.
    intervals : ndarray of shape (n_params, n_levels, 2)
        Corrected 95 % intervals of the mean difference.
    score_intervals : ndarray of shape (n_params, n_levels, 2)
        Corrected 95 % intervals of the mean score.

    Raises
    ------
    ValueError
        If there are no scores of ``metric``.

    See Also
    --------
    noise_curve : Measures it.
    sknoise.plotting.NoiseCurveDisplay : Draws it.

    Notes
    -----
    Intervals are corrected t-intervals for scores from splits that share rows [1]_: the variance
    of a mean over n splits is taken to be the variance between the splits, times the sum of 1/n
    and the ratio of test to training rows.

    References
    ----------
    .. [1] Nadeau and Bengio (2003), "Inference for the generalization error", Machine Learning
       52, 239-281.

    .. [2] Yates, Aandahl, Richards and Brook (2023), "Cross validation for model selection: a
       review with examples from ecology", Ecological Monographs 93(1).

    Examples
    --------
    Four splits of one parameter, made up:

    >>> import numpy as np
    >>> from sknoise import NoiseCurve
    >>> losses = np.array([[[1.0, 1.2, 1.1, 0.9], [0.5, 0.8, 0.6, 0.5], [0.6, 0.7, 0.6, 0.4]]])
    >>> curve = NoiseCurve(
    ...     ("noise_input",), np.array([0, 0.1, 0.2]), {"log_loss": losses}, "log_loss",
    ...     seeds=np.arange(4), test_ratio=0.25,
    ... )
    >>> curve.best_, curve.one_se_
    ({'noise_input': 0.2}, {'noise_input': 0.1})
    >>> print(curve.helps)
    Yes: the best noise, noise_input=0.2, changes log_loss by -0.475 [-0.623, -0.327] against no
    noise, both as long as the estimator trains (95% interval, corrected for choosing the best of
    2).
    """

    param_names: tuple[str, ...]
    noise_levels: np.ndarray
    scores: Mapping[str, np.ndarray]
    metric: str
    seeds: np.ndarray
    test_ratio: float
    epochs: np.ndarray | None = None
    at_length: Mapping[float, NoiseCurve] | None = None

    def __post_init__(self) -> None:
        if self.metric not in self.scores:
            raise ValueError(f"metric={self.metric!r} must be one of {sorted(self.scores)}.")

    def by(self, metric: str) -> NoiseCurve:
        """Give the same curve, with another metric to decide.

        But not about the lengths of training, which stay as they were chosen.

        Parameters
        ----------
        metric : str
            A key of ``scores``.

        Returns
        -------
        NoiseCurve
            A new object, with the same scores.

        Raises
        ------
        ValueError
            If there are no scores of ``metric``.
        """
        at_length = self.at_length
        if at_length is not None:
            at_length = {length: curve.by(metric) for length, curve in at_length.items()}
        return replace(self, metric=metric, at_length=at_length)

    @property
    def means(self) -> np.ndarray:
        """Mean of the metric over the splits.

        Returns
        -------
        ndarray of shape (n_params, n_levels)
            In the units of the metric.
        """
        return self.scores[self.metric].mean(axis=-1)

    @property
    def differences(self) -> np.ndarray:
        """Difference to no noise in each split.

        Returns
        -------
        ndarray of shape (n_params, n_levels, n_splits)
            Of the metric, in its units; 0 at the first level, which is no noise.
        """
        scores = self.scores[self.metric]
        return scores - scores[:, :1]

    @property
    def intervals(self) -> np.ndarray:
        """Corrected 95 % intervals of the mean difference.

        Corrected for rows that splits share [1]_, but each by itself: not for their number.

        Returns
        -------
        ndarray of shape (n_params, n_levels, 2)
            Lower and upper ends, in the units of the metric.

        References
        ----------
        .. [1] Nadeau and Bengio (2003), "Inference for the generalization error", Machine
           Learning 52, 239-281.
        """
        return corrected_intervals(self.differences, self.test_ratio)

    @property
    def score_intervals(self) -> np.ndarray:
        """Corrected 95 % intervals of the mean score.

        Corrected for rows that splits share [1]_. They are as wide as the splits differ, which
        is the same for all levels: compare levels by ``intervals``.

        Returns
        -------
        ndarray of shape (n_params, n_levels, 2)
            Lower and upper ends, in the units of the metric.

        References
        ----------
        .. [1] Nadeau and Bengio (2003), "Inference for the generalization error", Machine
           Learning 52, 239-281.
        """
        return corrected_intervals(self.scores[self.metric], self.test_ratio)

    @property
    def best_(self) -> dict[str, float]:
        """Parameters of the best mean, no noise included; for ``set_params``.

        Returns
        -------
        dict of str to float
            The level of each of ``param_names``; all but one are 0. With ``epochs`` of the same
            network, where lengths were tried: the median over the splits.
        """
        return self._params(*self._best(self._losses))

    @property
    def one_se_(self) -> dict[str, float]:
        """Parameters of the least noise that is within one standard error of the best.

        Of the levels whose mean is worse than the best by no more than the corrected standard
        error of their paired difference to it [1]_, the lowest; at equal levels the better
        place. No noise at all counts too.

        Returns
        -------
        dict of str to float
            The level of each of ``param_names``; all but one are 0. With ``epochs`` of the same
            network, where lengths were tried: the median over the splits.

        References
        ----------
        .. [1] Yates, Aandahl, Richards and Brook (2023), "Cross validation for model selection:
           a review with examples from ecology", Ecological Monographs 93(1).
        """
        losses = self._losses
        excess = losses - losses[self._best(losses)]
        near = excess.mean(axis=-1) <= corrected_errors(excess, self.test_ratio)
        j = int(near.any(axis=0).argmax())
        i = int(np.where(near[:, j], losses[:, j].mean(axis=-1), np.inf).argmin())
        return self._params(i, j)

    @property
    def helps(self) -> Verdict:
        """Whether the best level of noise is better than none, with an interval.

        The interval is corrected for the choice among all pairs of place and level, by
        Bonferroni.

        Returns
        -------
        Verdict
            True or false in an ``if``, a sentence with its interval in ``print``; its attributes
            are ``helps``, ``metric``, ``param_name``, ``noise_level``, ``difference``,
            ``interval``, ``n_candidates``, ``epochs`` and ``own_lengths``.
        """
        losses = self._losses[:, 1:]
        i, j = self._best(losses)
        n_candidates = losses[..., 0].size
        differences = self.differences[i, j + 1]
        low, high = corrected_intervals(differences, self.test_ratio, n_candidates)
        epochs = None
        if self.epochs is not None:
            epochs = (self._median_epochs(i, j + 1), self._median_epochs(i, 0))
        return Verdict(
            bool(low > 0 if _GREATER_IS_BETTER[self.metric] else high < 0),
            self.metric,
            self.param_names[i],
            float(self.noise_levels[j + 1]),
            float(differences.mean()),
            (float(low), float(high)),
            n_candidates,
            epochs,
            self.at_length is not None,
        )

    @property
    def _losses(self) -> np.ndarray:
        """The scores of the metric, turned so that less is better."""
        scores = self.scores[self.metric]
        return -scores if _GREATER_IS_BETTER[self.metric] else scores

    def _best(self, losses: np.ndarray) -> tuple[int, int]:
        means = losses.mean(axis=-1)
        i, j = np.unravel_index(np.where(np.isnan(means), np.inf, means).argmin(), means.shape)
        return int(i), int(j)

    def _params(self, i: int, j: int) -> dict[str, float]:
        name = self.param_names[i]
        params = dict.fromkeys(self.param_names, 0.0)
        params[name] = float(self.noise_levels[j])
        if self.epochs is not None:
            prefix = name.removesuffix(name.rpartition("__")[2])
            params[f"{prefix}epochs"] = self._median_epochs(i, j)
        return params

    def _median_epochs(self, i: int, j: int) -> int:
        assert self.epochs is not None
        return round(float(np.median(self.epochs[i, j])))
