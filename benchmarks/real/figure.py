"""Draw what a model's probabilities cost against the time that a fit takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.real.results import Row
from benchmarks.real.tables import (
    MAIN,
    TITLES,
    geometric_mean,
    groups,
    median_seconds,
    per_set,
)

MAX_COLUMNS = 2


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw a panel for each task and group, and a point for each model.

    Parameters
    ----------
    rows : sequence of dict
        The fits.
    path : Path
        Where the picture is written; its ending says in which format.
    """
    panels = list(groups(rows))
    n_columns = min(len(panels), MAX_COLUMNS)
    n_rows = -(-len(panels) // MAX_COLUMNS)
    figure = Figure(figsize=(6.5 * n_columns, 4.5 * n_rows), layout="constrained")
    for place, (task, group, of_group) in enumerate(panels):
        axes = figure.add_subplot(n_rows, n_columns, place + 1)
        scores = per_set(of_group, MAIN[task])
        for name in scores.columns:
            point = median_seconds(of_group, name), geometric_mean(scores[name])
            axes.scatter(*point, color="C1" if name.startswith("sknoise") else "C0")
            axes.annotate(name, point, xytext=(5, 3), textcoords="offset points", fontsize=8)
        axes.margins(x=0.2, y=0.1)
        axes.set(xscale="log", yscale="log", xlabel="median seconds of a fit")
        # All scores may lie within one power of ten, where the ticks between are all there is.
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:.3g}")
        axes.set_ylabel(f"{TITLES[MAIN[task]]}, geometric mean")
        axes.set_title(f"{task}, {group}, sets: {len(scores)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
