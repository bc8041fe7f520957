"""What the fits say: means over splits, geometric means over sets, ratios, as tables in Markdown.

Only splits that all models of a table have are counted, so that every comparison is of pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.real.results import Row
from benchmarks.real.sources import CLASSIFICATION, REGRESSION, SOURCES

# Keeps a set on which a score is all but 0 from deciding a geometric mean.
SHIFT = 0.01
CONFIDENCE = 0.95
MAIN = {CLASSIFICATION: "log_loss", REGRESSION: "rmse"}
METRICS = {CLASSIFICATION: ("log_loss", "brier", "error", "ece"), REGRESSION: ("rmse",)}
TITLES = {"log_loss": "log-loss", "rmse": "RMSE / sd", "error": "error"}
FIRST = "first_fit_seconds"
REFERENCE = {CLASSIFICATION: "MLPClassifier", REGRESSION: "MLPRegressor"}


class Ratio(NamedTuple):
    """A ratio of geometric means, and its interval."""

    value: float
    low: float
    high: float


def geometric_mean(values: Any) -> float:
    """Give the geometric mean of values that are shifted by 0.01, and shift it back."""
    return float(np.exp(np.mean(np.log(np.asarray(values) + SHIFT))) - SHIFT)


def paired_ratio(values: Any, reference: Any) -> Ratio:
    """Compare the shifted scores of two models over the same sets.

    Parameters
    ----------
    values, reference : array-like of shape (n_sets,)
        Their scores.

    Returns
    -------
    Ratio
        The ratio of their geometric means, with the 95% t-interval over sets of the logarithms'
        differences; not a number if there is but one set.
    """
    logs = np.log((np.asarray(values) + SHIFT) / (np.asarray(reference) + SHIFT))
    n = len(logs)
    half = np.nan
    if n > 1:
        half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * logs.std(ddof=1) / np.sqrt(n)
    return Ratio(
        *(float(np.exp(log)) for log in (logs.mean(), logs.mean() - half, logs.mean() + half))
    )


def win_rate(values: Any, reference: Any) -> float:
    """Give the share of sets on which a score is lower, a tie being half."""
    difference = np.asarray(values) - np.asarray(reference)
    return float(np.mean((difference < 0) + 0.5 * (difference == 0)))


def per_set(rows: Sequence[Row], metric: str) -> pd.DataFrame:
    """Average a score over splits.

    Parameters
    ----------
    rows : sequence of dict
        The fits.
    metric : str
        The key of the score.

    Returns
    -------
    DataFrame of shape (n_sets, n_models)
        The mean over those splits of a set that all models have.
    """
    frame = pd.DataFrame([(r["set"], r["split"], r["model"], r[metric]) for r in rows])
    splits = frame.pivot(index=[0, 1], columns=2, values=3).dropna()
    return splits.groupby(level=0, sort=False).mean()


def median_seconds(rows: Sequence[Row], model: str, which: str = "fit_seconds") -> float:
    """Give the median time of a model's fits, not a number if that was not taken."""
    times = [row[which] for row in rows if row["model"] == model and which in row]
    return float(np.median(times)) if times else np.nan


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table, the first column to the left and the others to the right."""
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *lines))


def as_ratio(ratio: Ratio, digits: int = 2) -> str:
    """Write a ratio and its interval."""
    value, low, high = (f"{number:.{digits}f}" for number in ratio)
    return value if np.isnan(ratio.low) else f"{value} [{low}, {high}]"


def as_seconds(seconds: float) -> str:
    """Write a time with two digits, nothing for none."""
    return "" if np.isnan(seconds) else f"{seconds:.3f}" if seconds < 0.1 else f"{seconds:.2f}"


def groups(rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield task, group and fits of all that have some, in the order of the catalogue."""
    for (task, group), sources in SOURCES.items():
        of_group = [row for row in rows if row["task"] == task and row["set"] in sources]
        if of_group:
            yield task, group, of_group


def reference_of(task: str, models: Sequence[str], asked: str | None) -> str:
    """Choose what ratios are to: what is asked for, else the task's own, else the first model."""
    return next(name for name in (asked, REFERENCE[task], *models) if name and name in models)


def compared(scores: pd.DataFrame, name: str, reference: str) -> list[str]:
    """Compare a model with the reference in its score: wins and the worst set."""
    if name == reference:
        return ["", ""]
    ratios = (scores[name] + SHIFT) / (scores[reference] + SHIFT)
    wins = 100 * win_rate(scores[name], scores[reference])
    return [f"{wins:.0f}", f"{ratios.max():.2f} {ratios.idxmax()}"]


def summary(task: str, rows: Sequence[Row], asked: str | None) -> str:
    """Write the table of a group of sets, a line a model, the best first.

    Parameters
    ----------
    task : {"classification", "regression"}
        What there is to predict.
    rows : sequence of dict
        The fits of the group.
    asked : str, optional
        The model that ratios are to.

    Returns
    -------
    str
        The table.
    """
    main = MAIN[task]
    scores = {metric: per_set(rows, metric) for metric in METRICS[task]}
    models = list(scores[main].columns)
    if scores[main].empty:
        return "No split that all models have."
    reference = reference_of(task, models, asked)
    means = {name: geometric_mean(scores[main][name]) for name in models}
    compared_in = [metric for metric in (main, "error") if metric in scores]
    titles = [
        "model",
        TITLES[main],
        *(["Brier", "accuracy %", "ECE %"] if "ece" in scores else []),
    ]
    titles += [f"{TITLES[metric]} / {reference}" for metric in compared_in]
    titles += ["wins %", "worst set", "fit s", "first fit s"]
    lines = []
    for name in sorted(models, key=lambda name: means[name]):
        line = [name, f"{means[name]:.3f}"]
        if "ece" in scores:
            line.append(f"{geometric_mean(scores['brier'][name]):.3f}")
            line.append(f"{100 * (1 - scores['error'][name].mean()):.1f}")
            line.append(f"{100 * scores['ece'][name].mean():.1f}")
        for metric in compared_in:
            its = scores[metric]
            line.append(
                "1" if name == reference else as_ratio(paired_ratio(its[name], its[reference]))
            )
        line += compared(scores[main], name, reference)
        times = (median_seconds(rows, name, which) for which in ("fit_seconds", FIRST))
        lines.append([*line, *map(as_seconds, times)])
    return markdown(titles, lines)


def per_set_table(task: str, rows: Sequence[Row]) -> str:
    """Write each set's score of each model, the mean over its splits."""
    scores = per_set(rows, MAIN[task])
    lines = [
        [str(name), *(f"{v:.3f}" for v in values)]
        for name, values in zip(scores.index, scores.to_numpy(), strict=True)
    ]
    return markdown([TITLES[MAIN[task]], *map(str, scores.columns)], lines)


def report(rows: Sequence[Row], reference: str | None = None, with_sets: bool = False) -> str:
    """Write the tables of all tasks and groups.

    Parameters
    ----------
    rows : sequence of dict
        The fits.
    reference : str, optional
        The model that ratios are to; by default scikit-learn's network.
    with_sets : bool
        Whether a table of each set's scores follows each.

    Returns
    -------
    str
        Markdown.
    """
    parts = []
    for task, group, of_group in groups(rows):
        counted = per_set(of_group, MAIN[task])
        n_sets = len({row["set"] for row in of_group})
        splits = len({row["split"] for row in of_group})
        of_all = f" of {n_sets}" if len(counted) < n_sets else ""
        parts.append(f"## {task}, {group}: sets {len(counted)}{of_all}, splits {splits}")
        parts.append(summary(task, of_group, reference))
        if with_sets:
            parts.append(per_set_table(task, of_group))
    return "\n\n".join(parts)
