"""``NoiseCurveDisplay``: scores against the level of the noise, a line for each place."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sknoise.inspection import (
    CONFIDENCE,
    NOISE_LEVELS,
    PARAM_NAMES,
    NoiseCurve,
    noise_curve,
)
from sknoise.plotting._figures import COLORS, GREY, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

_ONE_SE = "least noise within one standard error"
_LABELS = {
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
    "root_mean_squared_error": "root mean squared error",
    "r2": "R²",
}


class NoiseCurveDisplay:
    """Scores against the level of the noise, with one line for each place of the noise.

    Made by ``from_estimator``, which measures, or by ``from_curve``.

    Parameters
    ----------
    curve : NoiseCurve
        What to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure with these axes.

    lines_ : list of matplotlib Line2D
        The means, a line for each parameter.

    bands_ : list of matplotlib PolyCollection
        The band of each line.

    baseline_ : matplotlib Line2D
        The mean without noise.

    best_ : matplotlib Line2D
        The mark at the best level.

    one_se_ : matplotlib Line2D
        The mark at the least noise that is within one standard error of the best.

    See Also
    --------
    sknoise.noise_curve : Measures what is drawn here.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sknoise import NoisyMLPClassifier
    >>> from sknoise.plotting import NoiseCurveDisplay
    >>> X, y = make_circles(n_samples=30, noise=0.1, random_state=1)
    >>> clf = NoisyMLPClassifier(20, epochs=20)
    >>> display = NoiseCurveDisplay.from_estimator(
    ...     clf, X, y, [0, 0.1, 1], param_names="noise_input", cv=3, random_state=0
    ... )
    >>> display.ax_.get_ylabel()
    'log-loss, mean of 3 splits'
    """

    ax_: Axes
    figure_: Figure | SubFigure
    lines_: list[Line2D]
    bands_: list[PolyCollection]
    baseline_: Line2D
    best_: Line2D
    one_se_: Line2D

    def __init__(self, curve: NoiseCurve) -> None:
        self.curve = curve

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        noise_levels: Sequence[float] = NOISE_LEVELS,
        *,
        param_names: str | Sequence[str] = PARAM_NAMES,
        cv: Any = None,
        groups: Any = None,
        metric: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
    ) -> NoiseCurveDisplay:
        """Measure a noise curve, and draw it.

        Parameters
        ----------
        estimator : NoisyMLPClassifier, NoisyMLPRegressor, or what holds one
            This and all but ``ax`` as in ``noise_curve``.
        X : array-like of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels or targets.
        noise_levels : sequence of float, default=(0, 0.03, 0.06, 0.12, 0.25, 0.5, 1, 2)
            Levels to try.
        param_names : str or sequence of str, default=("noise_input", "noise_hidden")
            Where there shall be noise.
        cv : int, cross-validation generator or iterable, default=None
            Splits; None is five folds, repeated ten times.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows.
        metric : str, default=None
            What decides about the best, and is drawn.
        random_state : int, RandomState instance or None, default=None
            Determines splits and seeds.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        NoiseCurveDisplay

        Raises
        ------
        TypeError, ValueError
            As ``noise_curve``.
        ImportError
            If there is no matplotlib; before anything is trained.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        curve = noise_curve(
            estimator,
            X,
            y,
            noise_levels,
            param_names=param_names,
            cv=cv,
            groups=groups,
            metric=metric,
            random_state=random_state,
        )
        return cls.from_curve(curve, ax=ax)

    @classmethod
    def from_curve(
        cls, curve: NoiseCurve, *, metric: str | None = None, ax: Axes | None = None
    ) -> NoiseCurveDisplay:
        """Draw what ``noise_curve`` has measured.

        Parameters
        ----------
        curve : NoiseCurve
            The result of ``noise_curve``.
        metric : str, default=None
            As in ``plot``.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        NoiseCurveDisplay

        Raises
        ------
        ValueError, ImportError
            As ``plot``.
        """
        return cls(curve).plot(ax, metric=metric)

    def plot(
        self, ax: Axes | None = None, *, metric: str | None = None, band: str = "difference"
    ) -> NoiseCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.
        metric : str, default=None
            What to draw, a key of the curve's ``scores``; None is what decides. The marks show
            the choice of the metric that decides, whatever is drawn.
        band : {"difference", "score"}, default="difference"
            Corrected 95 % interval of what: of the paired difference to no noise, around each
            mean, so that a level whose band leaves the dashed line differs from no noise; or of
            the score itself, which is as wide as the splits differ.

        Returns
        -------
        NoiseCurveDisplay
            The display itself.

        Raises
        ------
        ValueError
            If a parameter is not one of those.
        ImportError
            If there is no matplotlib.
        """
        if band not in ("difference", "score"):
            raise ValueError(f"band={band!r} must be 'difference' or 'score'.")
        shown = self.curve if metric is None else self.curve.by(metric)
        if ax is None:
            (ax,) = new_axes(f"{type(self).__name__}.plot")
        levels, means = shown.noise_levels, shown.means
        intervals = shown.score_intervals
        if band == "difference":
            intervals = shown.intervals + means[0, 0]

        self.baseline_ = ax.axhline(means[0, 0], label="no noise", color=GREY, ls="--", lw=1)
        self.lines_, self.bands_ = [], []
        curves = zip(self._short_names(), means, intervals, strict=True)
        for i, (name, mean, interval) in enumerate(curves):
            color = COLORS[i % len(COLORS)]
            self.lines_ += ax.plot(
                levels, mean, marker="o", markersize=3.5, label=name, color=color
            )
            self.bands_.append(ax.fill_between(levels, *interval.T, color=color, alpha=0.15, lw=1))
        decisive = _LABELS[self.curve.metric]
        # Both may be at one point: a ring around a star.
        ring = {"marker": "o", "markersize": 14, "markerfacecolor": "none"}
        self.one_se_ = self._mark(ax, self.curve.one_se_, means, _ONE_SE, ring)
        star = {"marker": "*", "markersize": 11, "markerfacecolor": "gold"}
        self.best_ = self._mark(ax, self.curve.best_, means, f"best {decisive}", star)

        ax.set_xscale("symlog", linthresh=levels[1], linscale=0.4)
        ax.set_xticks(levels, [f"{level:g}" for level in levels])
        ax.minorticks_off()
        ax.set_xlim(0, levels[-1] * 1.1)
        ax.set_xlabel("noise level")
        n_splits = shown.scores[shown.metric].shape[-1]
        ax.set_ylabel(f"{_LABELS[shown.metric]}, mean of {n_splits} splits")
        what = "difference to no noise" if band == "difference" else "score"
        title = f"{CONFIDENCE:.0%} bands of the {what}"
        ax.legend(title=title, fontsize="small", title_fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _short_names(self) -> tuple[str, ...]:
        """Give the names without their prefixes, where they are told apart so."""
        names = self.curve.param_names
        short = tuple(name.rpartition("__")[2] for name in names)
        return short if len(set(short)) == len(short) else names

    def _mark(
        self,
        ax: Axes,
        params: dict[str, float],
        means: np.ndarray,
        label: str,
        style: dict[str, Any],
    ) -> Line2D:
        """Mark the place and level that parameters stand for."""
        name, level = max(params.items(), key=itemgetter(1))
        i = self.curve.param_names.index(name)
        j = int(np.searchsorted(self.curve.noise_levels, level))
        style = {"linestyle": "none", "markeredgecolor": "black", "label": label, **style}
        # In front of the axes' frame, where the level is 0.
        (mark,) = ax.plot(level, means[i, j], zorder=3, clip_on=False, **style)
        return mark
