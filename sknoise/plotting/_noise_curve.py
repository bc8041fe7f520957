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

    Made by ``from_estimator``, which measures, or by ``from_curve``. All parameters are stored
    as attributes.

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
        lengths: float | Sequence[float] | str | None = "auto",
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
            A pipeline, for example. It is not changed.
        X : array-like of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, one for each row; or targets, one or several.
        noise_levels : sequence of float, default=(0, 0.03, 0.06, 0.12, 0.25, 0.5, 1, 2)
            Levels to try, as the parameters take them: standard deviations, but probabilities for
            ``dropout`` and a classifier's ``noise_target``. 0 is added if it is not there. The
            default suits scaled features.
        param_names : str or sequence of str, default=("noise_input", "noise_hidden")
            Where there shall be noise: parameters of the network that are levels of noise,
            ``dropout`` among them. What comes before in a pipeline, such as ``"mlp__"``, may be
            left out where only one parameter has that ending. A network of several layers gets
            the same level in each.
        lengths : float, sequence of float, "auto" or None, default="auto"
            Lengths of training to try, as multiples of the epochs that the estimator would train
            for. Of several, each level is scored in each split at the one that has the best mean
            in other splits. "auto" is 1/8, 1/4, 1/2, 1 and 2; but None with ``early_stopping``,
            which finds a length by itself, or where the network is in anything but pipelines.
            None is the estimator's own length, whatever it is, for all.
        cv : int, cross-validation generator, iterable or None, default=None
            Splits, at least two. None is five folds, repeated ten times, shuffled, stratified for
            a classifier; an int is so many folds as scikit-learn makes them, once and not
            shuffled.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, for a ``cv`` that asks for them.
        metric : str or None, default=None
            What decides about the best, and is drawn: for classifiers "log_loss" (which None
            stands for), "accuracy" or "calibration_error"; for regressors
            "root_mean_squared_error" (which None stands for) or "r2". All of them are computed.
        random_state : int, RandomState instance or None, default=None
            Determines the default splits, and for each split another seed, which sets every
            parameter ``random_state`` of the estimator. None takes fresh entropy from the
            operating system.
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure.

        Returns
        -------
        NoiseCurveDisplay
            With the curve that was measured, drawn.

        Raises
        ------
        TypeError
            If the estimator is neither classifier nor regressor, or a classifier without
            probabilities; if data is lazy, or ``y`` has dates; or if the network gets data that is
            sparse.
        ValueError
            If the estimator has no such noise, or a level, a length, the metric, ``y`` or the
            splits cannot be used, before any training; or if a fit cannot use its data.
        RuntimeError
            If this process was forked from one that had trained before; or if TensorFlow is
            without eager execution.
        ImportError
            If matplotlib is not installed; before anything is trained.

        Warns
        -----
        ConvergenceWarning
            If training diverges with some noise, or without, whose scores are then NaN. If a
            network gets features so far from mean 0 and standard deviation 1 that training
            suffers; if most rows are equal to others, and the ``epochs`` it is given few for
            that; or if its ``val_loss`` does not stay finite, though the loss does.
        UserWarning
            If the network has ``engine="auto"``, which has to take Keras's own, slower loop.
        RuntimeWarning
            If an executor that was given to the backend loses a stack of networks, which is then
            trained here.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        curve = noise_curve(
            estimator,
            X,
            y,
            noise_levels,
            param_names=param_names,
            lengths=lengths,
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
        metric : str or None, default=None
            What to draw, a key of the curve's ``scores``; None is what decides. The marks show
            the choice of the metric that decides, whatever is drawn.
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure.

        Returns
        -------
        NoiseCurveDisplay
            With the curve, drawn.

        Raises
        ------
        ValueError
            If the curve has no scores of ``metric``.
        ImportError
            If matplotlib is not installed.
        """
        return cls(curve).plot(ax, metric=metric)

    def plot(
        self, ax: Axes | None = None, *, metric: str | None = None, band: str = "difference"
    ) -> NoiseCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure.
        metric : str or None, default=None
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
            If the curve has no scores of ``metric``, or ``band`` is none of the two.
        ImportError
            If matplotlib is not installed.
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
        at = "" if shown.at_length is None else ", each at its own best length"
        ax.set_xlabel(f"noise level{at}")
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
        names = self.curve.param_names
        i, level = max(enumerate(params[name] for name in names), key=itemgetter(1))
        j = int(np.searchsorted(self.curve.noise_levels, level))
        style = {"linestyle": "none", "markeredgecolor": "black", "label": label, **style}
        # In front of the axes' frame, where the level is 0.
        (mark,) = ax.plot(level, means[i, j], zorder=3, clip_on=False, **style)
        return mark
