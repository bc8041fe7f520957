"""``RobustnessDisplay``: the score of fitted models against noise on the test inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import check_scoring
from sklearn.utils import check_array, check_consistent_length, check_random_state

from sknoise.plotting._figures import COLORS, mean_interval, new_axes
from sknoise.tasks import check_collected

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vP"
_STYLES = ("-", "--", "-.", ":")


class RobustnessDisplay:
    """Score of fitted models against Gaussian noise on the test inputs.

    Make it by ``from_estimators``. All parameters are stored as attributes.

    Parameters
    ----------
    noise_levels : ndarray of shape (n_levels,)
        Standard deviations of the noise, in the units of the inputs, but see ``relative``.
    scores : dict of str to ndarray of shape (n_levels, n_repeats)
        Scores of each model, by its name, for each draw of the noise.
    score_name : str, default="score"
        What the scores are, for the axis.
    relative : bool, default=False
        Whether the levels are in units of each feature's standard deviation.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the curves.

    figure_ : matplotlib Figure
        The figure.

    lines_ : dict of str to matplotlib Line2D
        The mean of each model, by its name.

    bands_ : dict of str to matplotlib PolyCollection
        The 95 % interval of each model, by its name; empty for a single draw.

    See Also
    --------
    sklearn.inspection.permutation_importance : What noise on a single feature does.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoise.plotting import RobustnessDisplay
    >>> X, X_test, y, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
    >>> models = {
    ...     "linear": LogisticRegression(max_iter=500).fit(X, y),
    ...     "tree": DecisionTreeClassifier(random_state=0).fit(X, y),
    ... }
    >>> display = RobustnessDisplay.from_estimators(
    ...     models, X_test, y_test, noise_levels=[0, 0.5, 1], random_state=0
    ... )
    >>> display.scores["tree"].shape
    (3, 20)
    """

    def __init__(
        self,
        *,
        noise_levels: np.ndarray,
        scores: Mapping[str, np.ndarray],
        score_name: str = "score",
        relative: bool = False,
    ) -> None:
        self.noise_levels = noise_levels
        self.scores = scores
        self.score_name = score_name
        self.relative = relative

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        X: Any,
        y: Any,
        *,
        noise_levels: Sequence[float] | np.ndarray,
        n_repeats: int = 20,
        scoring: Any = None,
        relative: bool = False,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
    ) -> RobustnessDisplay:
        """Score fitted models on noisy inputs, and draw the scores.

        All models see the same draws. So do all levels: a draw is only scaled by the level,
        which makes the curves smooth and their differences more certain than the bands.

        Parameters
        ----------
        estimators : dict of str to estimator
            Fitted estimators of any kind, by the names for the legend.
        X : array-like of shape (n_samples, n_features)
            Test inputs: numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Test targets.
        noise_levels : array-like of shape (n_levels,)
            Standard deviations of the Gaussian noise, 0 or larger, in the units of ``X``, but
            see ``relative``.
        n_repeats : int, default=20
            Number of draws of the noise, 1 or larger.
        scoring : str, callable or None, default=None
            A scorer, by scikit-learn's name or as its searches take it. None is each estimator's
            ``score``.
        relative : bool, default=False
            Whether the levels are in units of the standard deviation of each feature in
            ``X``.
        random_state : int, RandomState instance or None, default=None
            Determines the noise. None takes NumPy's global random state.
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure.

        Returns
        -------
        RobustnessDisplay
            With the scores, drawn.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If ``estimators`` is no dict, or ``X`` is sparse, or data is lazy.
        ValueError
            If there are no estimators or levels, a level is negative, ``n_repeats`` is no
            integer from 1 on, ``scoring`` is no scorer, or the data cannot be used.
        ImportError
            If matplotlib is not installed.
        """
        if not isinstance(estimators, Mapping):
            raise TypeError(f"estimators={estimators!r} must be a dict of names and estimators.")
        if not estimators:
            raise ValueError("estimators has no estimator: give at least one.")
        if not isinstance(n_repeats, Integral) or n_repeats < 1:
            raise ValueError(f"n_repeats={n_repeats!r} must be an integer, 1 or larger.")
        levels = np.asarray(noise_levels, dtype=float)
        if levels.ndim != 1 or not len(levels) or not ((levels >= 0) & (levels < np.inf)).all():
            raise ValueError(
                f"noise_levels={noise_levels!r} must be a list of numbers, 0 or larger."
            )
        check_collected(X=X, y=y)
        clean = check_array(X, dtype=np.float64, input_name="X")
        check_consistent_length(clean, y)
        scorers = {name: check_scoring(each, scoring) for name, each in estimators.items()}
        scores = {name: np.empty((len(levels), n_repeats)) for name in estimators}
        scale = clean.std(axis=0) if relative else 1.0
        rng = check_random_state(random_state)
        for repeat in range(n_repeats):
            draw = rng.standard_normal(clean.shape) * scale
            for i, level in enumerate(levels):
                noisy = _like(X, clean + level * draw)
                for name, scorer in scorers.items():
                    scores[name][i, repeat] = scorer(estimators[name], noisy, y)
        display = cls(
            noise_levels=levels,
            scores=scores,
            score_name=_score_name(scoring, list(estimators.values())),
            relative=relative,
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> RobustnessDisplay:
        """Draw the mean score of each model, with 95 % t intervals of the mean over the draws.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure.

        Returns
        -------
        RobustnessDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if ax is None:
            (ax,) = new_axes("RobustnessDisplay.plot")
        self.lines_: dict[str, Any] = {}
        self.bands_: dict[str, Any] = {}
        order = np.argsort(self.noise_levels)
        levels = self.noise_levels[order]
        for i, (name, scores) in enumerate(self.scores.items()):
            mean, low, high = mean_interval(scores[order])
            color = COLORS[i % len(COLORS)]
            (self.lines_[name],) = ax.plot(
                levels,
                mean,
                color=color,
                marker=_MARKERS[i % len(_MARKERS)],
                linestyle=_STYLES[i % len(_STYLES)],
                markersize=5,
                label=name,
            )
            if np.isfinite(low).any():
                self.bands_[name] = ax.fill_between(
                    levels, low, high, color=color, alpha=0.2, linewidth=0
                )
        unit = "features' standard deviations" if self.relative else "units of the inputs"
        ax.set(xlabel=f"standard deviation of the noise ({unit})", ylabel=self.score_name)
        ax.legend()
        self.ax_ = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        return self


def _like(X: Any, noisy: np.ndarray) -> Any:
    """Give noisy inputs as a data frame where they were one: models know features by name."""
    if not hasattr(X, "columns"):
        return noisy
    # pandas and polars name the columns differently.
    names = {"schema": X.columns} if hasattr(X, "schema") else {"columns": X.columns}
    return type(X)(noisy, **names)


def _score_name(scoring: Any, estimators: list[Any]) -> str:
    """Give the name of a score, for the axis."""
    if isinstance(scoring, str):
        return scoring
    if scoring is None and all(is_classifier(each) for each in estimators):
        return "accuracy"
    if scoring is None and all(is_regressor(each) for each in estimators):
        return "R²"
    return "score"
