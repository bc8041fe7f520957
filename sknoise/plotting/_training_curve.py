"""``TrainingCurveDisplay``: loss and accuracy against epochs, and what they say about the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknoise.plotting._figures import COLORS, GREY, mean_interval, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The training curve jumps with the noise: thin and pale, it does not hide the other.
_SIDES: dict[str, dict[str, Any]] = {
    "": {"label": "train", "color": COLORS[0], "lw": 1, "alpha": 0.7},
    "val_": {"label": "validation", "color": COLORS[1], "lw": 1.6, "ls": "--"},
}


class Diagnosis(NamedTuple):
    """What training curves say about a fit, and the figures it rests on.

    Made by ``TrainingCurveDisplay.diagnose``. Losses are in units of the baseline's loss. All
    parameters are stored as attributes, and are the items of the tuple.

    Parameters
    ----------
    verdict : {"overfit", "underfit", "good fit"}
        What ``TrainingCurveDisplay.diagnose`` concludes.
    best_epoch : int
        The epoch of the least validation loss, counted from 1.
    rise : float
        How far the validation loss ended above its least value.
    gap : float
        How far the validation loss ended above the training loss.
    level : float
        Where the validation loss ended; 1 is no better than the baseline.
    to_gain : float
        What both losses would still lose in as many epochs again, at the pace of the end.

    See Also
    --------
    TrainingCurveDisplay.diagnose : Has the rule by which it concludes.

    Examples
    --------
    A loss that falls by half, while the validation loss falls and rises again:

    >>> import numpy as np
    >>> from sknoise.plotting import TrainingCurveDisplay
    >>> history = {
    ...     "loss": np.linspace(1, 0.5, 20)[None],
    ...     "val_loss": np.concatenate([np.linspace(1, 0.8, 5), np.linspace(0.8, 1.2, 15)])[None],
    ... }
    >>> diagnosis = TrainingCurveDisplay(history=history, baseline=1.0).diagnose()
    >>> diagnosis.verdict, diagnosis.best_epoch, round(diagnosis.gap, 1)
    ('overfit', 5, 0.7)
    """

    verdict: str
    best_epoch: int
    rise: float
    gap: float
    level: float
    to_gain: float


class TrainingCurveDisplay:
    """Training curves of one or several fits: loss and accuracy against epochs.

    Make it by ``from_estimator``. All parameters are stored as attributes.

    Parameters
    ----------
    history : dict of str to ndarray of shape (n_fits, n_epochs)
        Figures of each epoch of each fit: "loss" and what else there is to draw on the
        training data, and the same with ``"val_"`` in front on validation data. NaN where
        there is none.
    baseline : float or None, default=None
        Loss of a model that always predicts the same: the unit of ``diagnose``, and a line
        in the figure. None is the training loss of the first epoch, without a line.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        One for each metric that was drawn.

    ax_ : matplotlib Axes
        The first of them.

    figure_ : matplotlib Figure
        The figure.

    lines_ : dict of str to matplotlib Line2D
        The curves, by the names of ``history``: the mean where there are several fits.

    bands_ : dict of str to matplotlib PolyCollection
        Their 95 % intervals, by the same names; empty for a single fit.

    best_epoch : int or None
        The epoch of the least validation loss, counted from 1; None without one.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores against the size of the data.

    Notes
    -----
    ``history_`` has the training figures *with the noise on*, as means over the epoch, and
    the validation figures without noise. Much noise can so lift the training loss above the
    validation loss.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoise.plotting import TrainingCurveDisplay
    >>> epochs = np.arange(100)
    >>> loss = 0.7 * np.exp(-epochs / 20)
    >>> history = {"loss": loss[None], "val_loss": (loss + 0.01 * epochs)[None]}
    >>> display = TrainingCurveDisplay(history=history, baseline=np.log(2))
    >>> display.diagnose().verdict
    'overfit'
    >>> display.plot().ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, *, history: Mapping[str, np.ndarray], baseline: float | None = None):
        self.history = history
        self.baseline = baseline

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        baseline: float | None = None,
        metrics: str | Sequence[str] | None = None,
        ax: Any = None,
    ) -> TrainingCurveDisplay:
        """Draw the training curves of fitted estimators.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Fitted estimators with ``history_``, or pipelines that end in one. Several are
            taken for repetitions of one experiment, by other seeds or folds: the figure
            shows their mean. It ends with the shortest, so that all have part in it.
        baseline : float or None, default=None
            Loss of always predicting the same. None is, for classifiers, that of giving all
            classes the same probability; where they are unequally frequent, give the entropy
            of their frequencies, ``scipy.stats.entropy(np.bincount(y))``. None is, for
            regressors, the loss in the first epoch; for the squared error, give ``y.var()``.
        metrics : str, sequence of str or None, default=None
            What to draw of "loss", "accuracy" and what else ``history`` has. None is all,
            but only the loss if ``ax`` is a single one.
        ax : matplotlib Axes, sequence of them, or None, default=None
            One for each metric. None makes a new figure with a panel for each.

        Returns
        -------
        TrainingCurveDisplay
            With the curves, drawn.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If one of them is no estimator, or has no ``history_``.
        ValueError
            If there is no estimator; if they have not all the same figures; if ``history`` has
            not got a metric, or there is none; or if the axes are not one for each metric.
        ImportError
            If matplotlib is not installed.
        """
        given = list(estimator) if isinstance(estimator, (list, tuple)) else [estimator]
        if not given:
            raise ValueError("estimator=[] has no fit to draw: give at least one.")
        fits = [_with_history(each) for each in given]
        names = list(fits[0].history_)
        for fit in fits:
            if list(fit.history_) != names:
                raise ValueError(
                    f"All fits need the same figures: one has {names}, another "
                    f"{list(fit.history_)}. Fit all of them with X_val and y_val, or none."
                )
        n_epochs = min(len(fit.history_["loss"]) for fit in fits)
        history = {
            name: np.array([fit.history_[name][:n_epochs] for fit in fits], dtype=float)
            for name in names
        }
        if baseline is None and is_classifier(fits[0]):
            baseline = _loss_of_chance(fits[0])
        display = cls(history=history, baseline=baseline)
        return display.plot(ax, metrics=metrics)

    def plot(
        self, ax: Any = None, *, metrics: str | Sequence[str] | None = None
    ) -> TrainingCurveDisplay:
        """Draw the curves, the best epoch, and the gap at the end.

        The best epoch is that of the least validation loss, of the mean where there are
        several fits. The gap is between the means of the last tenth of the epochs. Bands are
        95 % t intervals of the mean over the fits, epoch by epoch.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of them, or None, default=None
            One for each metric. None makes a new figure with a panel for each.
        metrics : str, sequence of str or None, default=None
            What to draw of "loss", "accuracy" and what else ``history`` has. None is all,
            but only the loss if ``ax`` is a single one.

        Returns
        -------
        TrainingCurveDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``history`` has not got a metric, or there is none; or if the axes are not one
            for each metric.
        ImportError
            If matplotlib is not installed.
        """
        axes = None if ax is None else list(np.ravel(ax))
        if metrics is None:
            every = [name for name in self.history if not name.startswith("val_")]
            metrics = every[:1] if axes is not None and len(axes) == 1 else every
        metrics = [metrics] if isinstance(metrics, str) else list(metrics)
        for name in metrics:
            if name not in self.history:
                raise ValueError(f"metrics has {name!r}, but history has only {[*self.history]}.")
        if axes is None:
            axes = new_axes("TrainingCurveDisplay.plot", len(metrics), size=(5, 3.8))
        if len(axes) != len(metrics):
            raise ValueError(
                f"ax has {len(axes)} axes, but there are {len(metrics)} metrics to draw, "
                f"{metrics}: give as many axes, or choose by metrics."
            )
        self.lines_: dict[str, Any] = {}
        self.bands_: dict[str, Any] = {}
        for panel, metric in zip(axes, metrics, strict=True):
            self._draw(panel, metric)
        axes[0].legend()
        self.axes_: list[Axes] = axes
        self.ax_: Axes = axes[0]
        self.figure_: Figure = self.ax_.figure  # type: ignore[assignment]
        return self

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the least validation loss, counted from 1; None without one.

        Returns
        -------
        int or None
            Of the mean over the fits; None where no epoch has validation data.
        """
        if "val_loss" not in self.history:
            return None
        loss = self.history["val_loss"].mean(axis=0)
        return int(np.nanargmin(loss)) + 1 if np.isfinite(loss).any() else None

    def diagnose(
        self,
        *,
        rise: float = 0.05,
        gap: float = 0.1,
        wide_gap: float = 0.5,
        level: float = 0.95,
        to_gain: float = 0.1,
    ) -> Diagnosis:
        """Say whether the curves show an overfitted, an underfitted or a good fit.

        The rule takes the curves as the eye does, smoothed and in proportion: as means over
        the fits and over windows of a tenth of the epochs, in units of the baseline's loss.
        The first that holds is the verdict.

        * "overfit": the validation loss ends clearly above the training loss (``gap``), and
          it has clearly risen from its least value (``rise``) or is hardly better than the
          baseline (``level``): what was learnt last holds for the training data alone. Or it
          ends so far above the training loss (``wide_gap``) that most was learnt by heart.
        * "underfit": the validation loss ends hardly better than the baseline (``level``), or
          training and validation loss are *both* still falling fast (``to_gain``). More
          epochs, a larger network or less noise would help; if not, there is little to learn.
        * "good fit": neither.

        Parameters
        ----------
        rise : float, default=0.05
            A rise of the validation loss is clear above this fraction of the baseline.
        gap : float, default=0.1
            A gap to the training loss is clear above this fraction.
        wide_gap : float, default=0.5
            A gap above this fraction is an overfit by itself.
        level : float, default=0.95
            A validation loss of this fraction or above is hardly better than the baseline.
        to_gain : float, default=0.1
            Losses fall fast if, in as many epochs again, both would lose this fraction of
            the baseline or more. The pace is that from the last quarter but one of the epochs
            to the last quarter, and of the loss that falls less.

        Returns
        -------
        Diagnosis
            ``verdict``, and the figures that it rests on.

        Raises
        ------
        ValueError
            If there is no validation loss that is finite, or only in one epoch.
        """
        best_epoch = self.best_epoch
        if best_epoch is None:
            raise ValueError(
                "diagnose needs the loss on validation data, which this history has not got: "
                "give X_val and y_val to fit."
            )
        losses = np.array([self.history[name].mean(axis=0) for name in ("loss", "val_loss")])
        unit = float(losses[0, 0]) if self.baseline is None else self.baseline
        losses = losses[:, np.isfinite(losses).all(axis=0)] / unit
        n_epochs = losses.shape[1]
        if n_epochs < 2:
            raise ValueError("diagnose needs at least 2 epochs with validation data, but has 1.")
        train, val = (_running_mean(loss, _window(n_epochs)) for loss in losses)
        quarter = max(1, n_epochs // 4)
        slower = [_running_mean(loss, quarter) for loss in losses]
        pace = min(loss[-1 - quarter] - loss[-1] for loss in slower) / quarter
        figures = {
            "rise": float(val[-1] - val.min()),
            "gap": float(val[-1] - train[-1]),
            "level": float(val[-1]),
            "to_gain": float(pace * n_epochs),
        }
        useless = figures["level"] >= level
        worse = figures["rise"] > rise or useless
        if figures["gap"] > (gap if worse else wide_gap):
            verdict = "overfit"
        elif useless or figures["to_gain"] >= to_gain:
            verdict = "underfit"
        else:
            verdict = "good fit"
        return Diagnosis(verdict, best_epoch, **figures)

    def _draw(self, ax: Axes, metric: str) -> None:
        """Draw one metric."""
        ends = {}
        for prefix, style in _SIDES.items():
            name = prefix + metric
            if name not in self.history:
                continue
            mean, low, high = mean_interval(self.history[name].T)
            epochs = np.arange(1, len(mean) + 1)
            (self.lines_[name],) = ax.plot(epochs, mean, **style)
            if np.isfinite(low).any():
                self.bands_[name] = ax.fill_between(
                    epochs, low, high, color=style["color"], alpha=0.2, linewidth=0
                )
            ends[name] = _running_mean(mean, _window(len(mean)))[-1]
        if metric == "loss" and self.baseline is not None:
            line = ([1, len(epochs)], [self.baseline] * 2)
            ax.plot(*line, color=GREY, lw=1, ls=(0, (1, 2)), zorder=3, label="baseline")
        if self.best_epoch is not None:
            label = f"best epoch, {self.best_epoch}"
            ax.axvline(self.best_epoch, color=GREY, lw=1, ls="-.", label=label, zorder=1)
        if len(ends) == 2 and np.isfinite([*ends.values()]).all():
            n_epochs = len(epochs)
            low, high = sorted(ends.values())
            x = 1.05 * n_epochs
            ax.plot([x, x], [low, high], color=GREY, lw=1, marker="_", label="_gap")
            ax.text(x, (low + high) / 2, f"  gap\n  {high - low:.2g}", va="center", color=GREY)
            ax.set_xlim(0, 1.25 * n_epochs)
            ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= n_epochs])
        ax.set(xlabel="epoch", ylabel=metric.replace("_", " "))


def _with_history(estimator: Any) -> Any:
    """Give the estimator, or that at the end of a pipeline, which has ``history_``."""
    if isinstance(estimator, Pipeline):
        return _with_history(estimator[-1])
    check_is_fitted(estimator)
    if not hasattr(estimator, "history_"):
        raise TypeError(
            f"{type(estimator).__name__} has no history_ to draw: give a fitted "
            "NoisyMLPClassifier or NoisyMLPRegressor, a pipeline that ends in one, or a list of "
            "them; of a search, its best_estimator_."
        )
    return estimator


def _loss_of_chance(classifier: Any) -> float:
    """Give the loss of a classifier that gives all classes the same probability."""
    # Several labels a row are yes or no each. So is one class alone, for a network.
    each_alone = getattr(classifier, "_multilabel", False)
    return float(np.log(2 if each_alone else max(len(classifier.classes_), 2)))


def _window(n_epochs: int) -> int:
    """Give the number of epochs over which the end of a curve is read."""
    return max(1, n_epochs // 10)


def _running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Give the means of all windows of so many values."""
    return np.convolve(values, np.full(window, 1 / window), "valid")
