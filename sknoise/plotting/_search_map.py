"""``SearchMapDisplay``: the scores of a search as a map of two of its parameters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknoise.plotting._figures import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PREFIX = "param_"


class SearchMapDisplay:
    """Heat map of the scores of a search over two of its parameters.

    Make it by ``from_search``. All parameters are stored as attributes.

    Parameters
    ----------
    scores : ndarray of shape (n_y, n_x)
        Score of each cell; NaN where there is none.
    x_labels : list of str, of length n_x
        The values of the parameter along the x axis.
    y_labels : list of str, of length n_y
        The values of the parameter along the y axis.
    x_name : str
        Name of the parameter along the x axis.
    y_name : str
        Name of the parameter along the y axis.
    score_name : str
        What the scores are, for the colour bar.
    best : tuple of (int, int)
        Row and column of the best cell, from 0 on.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the map.

    figure_ : matplotlib Figure
        The figure.

    mesh_ : matplotlib QuadMesh
        The coloured cells.

    texts_ : ndarray of shape (n_y, n_x), dtype object
        The matplotlib Text of each cell, None where there is none.

    colorbar_ : matplotlib Colorbar
        The colour bar.

    best_ : matplotlib Rectangle
        The frame of the best cell.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Makes what is drawn here.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.svm import SVC
    >>> from sknoise.plotting import SearchMapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearchCV(SVC(), {"C": [0.1, 1], "gamma": [0.01, 0.1, 1]}).fit(X, y)
    >>> display = SearchMapDisplay.from_search(search, "gamma", "C")
    >>> display.scores.round(2)
    array([[0.91, 0.92, 0.96],
           [0.93, 0.98, 0.97]])
    """

    def __init__(
        self,
        *,
        scores: np.ndarray,
        x_labels: Sequence[str],
        y_labels: Sequence[str],
        x_name: str,
        y_name: str,
        score_name: str,
        best: tuple[int, int],
    ) -> None:
        self.scores = scores
        self.x_labels = x_labels
        self.y_labels = y_labels
        self.x_name = x_name
        self.y_name = y_name
        self.score_name = score_name
        self.best = best

    @classmethod
    def from_search(
        cls,
        search: Any,
        param_x: str,
        param_y: str,
        *,
        metric: str | None = None,
        bins: int = 10,
        ax: Axes | None = None,
        annotate: bool = True,
        cmap: Any = "cividis",
    ) -> SearchMapDisplay:
        """Draw the map of a fitted search.

        Each cell has the best mean test score of all candidates with its two values: the
        other parameters are at their best, for each cell anew. Candidates without one of the
        two parameters are left out, as are those whose score is NaN.

        Of a halving search, each candidate counts with the score of its last iteration, and
        the best cell is that of the best candidate of the last iteration. Cells then differ
        in their resources, so another cell can have the higher number.

        Parameters
        ----------
        search : estimator
            A fitted ``GridSearchCV``, ``RandomizedSearchCV`` or halving search.
        param_x : str
            Parameter of the search along the x axis; a pipeline's prefix can be left out where
            there is only one parameter that ends so: "noise_input" for "mlp__noise_input".
        param_y : str
            Parameter of the search along the y axis, named likewise.
        metric : str or None, default=None
            Which of several metrics; None is the one that ``refit`` names.
        bins : int, default=10
            A numerical parameter with more values than that, as a random search draws them,
            is divided at its quantiles into so many ranges; 1 or larger.
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure, as large as the number of cells asks for.
        annotate : bool, default=True
            Whether to write the score into each cell.
        cmap : str or matplotlib Colormap, default="cividis"
            The colour map; the default can be read with any kind of colour-blindness.

        Returns
        -------
        SearchMapDisplay
            With the map, drawn.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        TypeError
            If it is no estimator, or has no ``cv_results_``.
        ValueError
            If there is no such parameter or metric, or several such parameters, both are the
            same, ``bins`` is below 1, no cell has a score, or there is no such ``cmap``.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(search)
        if not hasattr(search, "cv_results_"):
            raise TypeError(f"search={search!r} has no cv_results_: give a fitted search.")
        if bins < 1:
            raise ValueError(f"bins={bins!r} must be 1 or larger.")
        results = search.cv_results_
        x_name, y_name = (_full_name(results, name) for name in (param_x, param_y))
        if x_name == y_name:
            raise ValueError(f"param_x and param_y are both {x_name!r}: give two parameters.")
        metric = _metric(search, metric)
        score = np.asarray(results[f"mean_test_{metric}"], dtype=float)
        columns = [results[_PREFIX + name] for name in (x_name, y_name)]
        used = np.isfinite(score) & ~np.any([np.ma.getmaskarray(c) for c in columns], axis=0)
        used &= _last_iterations(search)
        if not used.any():
            raise ValueError(f"No candidate with {x_name}, {y_name} and a score that is finite.")
        (x_labels, x), (y_labels, y) = (_cells(column[used].tolist(), bins) for column in columns)
        scores = np.full((len(y_labels), len(x_labels)), np.nan)
        np.fmax.at(scores, (y, x), score[used])
        # A halving search compares candidates by its last iteration only.
        last = results.get("iter", np.zeros(len(score)))[used]
        best = np.argmax(np.where(last == last.max(), score[used], -np.inf))
        scoring = getattr(search, "scoring", None)
        name = scoring if metric == "score" and isinstance(scoring, str) else metric
        display = cls(
            scores=scores,
            x_labels=x_labels,
            y_labels=y_labels,
            x_name=param_x,
            y_name=param_y,
            score_name=f"mean test {name}",
            best=(int(y[best]), int(x[best])),
        )
        return display.plot(ax, annotate=annotate, cmap=cmap)

    def plot(
        self, ax: Axes | None = None, *, annotate: bool = True, cmap: Any = "cividis"
    ) -> SearchMapDisplay:
        """Draw the map: cells without a score are hatched, the best one is framed.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw in. None makes a new figure, as large as the number of cells asks for.
        annotate : bool, default=True
            Whether to write the score into each cell.
        cmap : str or matplotlib Colormap, default="cividis"
            The colour map; the default can be read with any kind of colour-blindness.

        Returns
        -------
        SearchMapDisplay
            The display itself.

        Raises
        ------
        ValueError
            If matplotlib knows no such ``cmap``.
        ImportError
            If matplotlib is not installed.
        """
        n_y, n_x = self.scores.shape
        if ax is None:
            size = (2.4 + 0.72 * max(n_x, 4), 1.4 + 0.5 * max(n_y, 4))
            (ax,) = new_axes("SearchMapDisplay.plot", size=size)
        from matplotlib.patches import Rectangle

        ax.set_facecolor("0.93")
        ax.patch.set(hatch="///", edgecolor="0.75")
        self.mesh_ = ax.pcolormesh(np.ma.masked_invalid(self.scores), cmap=cmap, edgecolor="white")
        self.colorbar_ = ax.figure.colorbar(self.mesh_, ax=ax, label=self.score_name)
        self.texts_ = np.full((n_y, n_x), None, dtype=object)
        if annotate:
            self._annotate(ax)
        row, column = self.best
        self.best_ = ax.add_patch(
            Rectangle((column, row), 1, 1, fill=False, ec="#d55e00", lw=3, label="best")
        )
        ax.set_xticks(np.arange(n_x) + 0.5, self.x_labels)
        ax.set_yticks(np.arange(n_y) + 0.5, self.y_labels)
        if max(map(len, self.x_labels)) > 8:
            ax.tick_params("x", rotation=45)
            for label in ax.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")
        ax.tick_params(length=0)
        ax.set(xlabel=self.x_name, ylabel=self.y_name)
        self.ax_ = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        return self

    def _annotate(self, ax: Axes) -> None:
        """Write the scores, dark on light cells and light on dark ones."""
        digits = _digits(self.scores)
        for (row, column), score in np.ndenumerate(self.scores):
            if np.isfinite(score):
                red, green, blue, _ = self.mesh_.to_rgba(score)
                light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
                self.texts_[row, column] = ax.text(
                    column + 0.5,
                    row + 0.5,
                    f"{score:.{digits}f}" if abs(score) < 1e5 else f"{score:.2g}",
                    ha="center",
                    va="center",
                    color="black" if light else "white",
                    fontsize="small",
                    weight="bold" if (row, column) == self.best else "normal",
                )


def _full_name(results: dict[str, Any], name: str) -> str:
    """Give the name of a parameter with its prefix."""
    names = [key.removeprefix(_PREFIX) for key in results if key.startswith(_PREFIX)]
    if name in names:
        return name
    ending = [full for full in names if full.endswith(f"__{name}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise ValueError(f"The parameter {name!r} could be any of {ending}: give it in full.")
    raise ValueError(f"The search has no parameter {name!r}: choose of {names}.")


def _metric(search: Any, metric: str | None) -> str:
    """Give the name of the metric to show."""
    prefix = "mean_test_"
    names = [k.removeprefix(prefix) for k in search.cv_results_ if k.startswith(prefix)]
    if metric is None and names == ["score"]:
        return "score"
    metric = search.refit if metric is None else metric
    if not isinstance(metric, str) or metric not in names:
        raise ValueError(f"metric={metric!r} is not in this search: choose of {names}.")
    return metric


def _last_iterations(search: Any) -> np.ndarray:
    """Say which results are the last ones of their candidate."""
    every = search.cv_results_["params"]
    if "iter" not in search.cv_results_:
        return np.ones(len(every), dtype=bool)
    # The iterations follow one another: later ones take the place of earlier ones. Parameters
    # need not be hashable, but those of one candidate always print the same.
    last = {
        repr({name: value for name, value in params.items() if name != search.resource}): i
        for i, params in enumerate(every)
    }
    return np.isin(np.arange(len(every)), list(last.values()))


def _cells(values: list[Any], bins: int) -> tuple[list[str], np.ndarray]:
    """Give the labels of the cells along an axis, and the cell of each value.

    Numbers are in order, other values in the order of their first appearance.
    """
    numbers = all(isinstance(v, Real) and not isinstance(v, bool) for v in values)
    if numbers and len(set(values)) > bins:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
        cell = np.searchsorted(edges[1:-1], values, side="right")
        return [f"{a:.2g} to {b:.2g}" for a, b in itertools.pairwise(edges)], cell
    labels = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
    first = dict(zip(labels, values, strict=True))
    order = sorted(first, key=first.__getitem__) if numbers else list(first)
    place = {label: i for i, label in enumerate(order)}
    return order, np.array([place[label] for label in labels])


def _digits(scores: np.ndarray) -> int:
    """Give the number of decimals that tells the scores apart, from 2 to 4."""
    spread = np.nanmax(scores) - np.nanmin(scores)
    return int(np.clip(2 - np.floor(np.log10(spread)), 2, 4)) if spread > 0 else 2
