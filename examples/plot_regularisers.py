"""Noise among the regularisers
============================

Compare noise with other regularisers, each at its searched best.

On each training part an inner search (4-fold cross-validation, by log-loss) chooses among a few
levels of each regulariser, "none" among them; "together" may choose any of these, and eight random
combinations of all. Then follows a fit to the whole training part and the test. Networks have 50
hidden nodes, and train long enough to overfit. The data sets: 12 of 30 points of the article's
circles, and 12 of moons (noise 0.3), with 2,000 fresh test points each; breast_cancer, two
four-fold splits (426 training rows); the digits, cut into 8 pieces that share no rows, each of 150
training and 75 test rows. All fits train in stacks. Differences are paired, with 95% t-intervals
over the splits, not corrected for their number; those of breast_cancer, whose splits share rows,
are widened by the correction of Nadeau and Bengio.

What was found: noise is one regulariser among others, without a clear lead.

* Moons, none: accuracy 0.847, log-loss 0.74. All lower the log-loss: max_norm and fewer epochs to
  0.43, L2 to 0.44, noise to 0.47 (-0.27 [-0.49, -0.04]), dropout to 0.54, early stopping, which
  gives up a fifth of the 30 points, to 0.58. None differs clearly from noise. No accuracy differs
  clearly from none; dropout has 0.011 [0.001, 0.021] less than noise.
* Circles, none: 0.717 and 1.22. All lower the log-loss, to 0.72 to 0.93 (noise: 0.75), and all
  cost accuracy, 0.074 to 0.098: by log-loss the search chooses networks that have nearly given up,
  for a coin has 0.69. None differs clearly from noise.
* breast_cancer, none: 0.972 and 0.126. All means of log-loss are lower, from 0.076 (max_norm) to
  0.104 (L2), noise 0.087, but no interval leaves out 0, and none against noise.
* Digits, none: 0.925 and 0.249. Noise has the lowest log-loss, 0.228 (-0.022 [-0.044, +0.001]), L2
  and max_norm the highest accuracy, 0.943 (L2: +0.018 [+0.002, +0.035], against noise +0.020
  [+0.007, +0.033]). Fewer epochs and early stopping were rarely chosen, and do not help.
* "Together" is nowhere clearly better than noise alone: a search among more candidates did not
  choose better.

The figure goes to ``examples/figures/regularisers.png``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import joblib
import matplotlib.pyplot as plt
import numpy as np
from _common import (
    COLORS,
    NO_NOISE,
    Scores,
    Split,
    draw_splits,
    fit_and_score,
    half_width,
    in_stacks,
    print_table,
    reduced,
    save,
)
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    ParameterSampler,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    train_test_split,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier

NODES = 50
FOLDS = 4  # Of the inner search.
N_COMBINATIONS = 8


class Data(NamedTuple):
    """A data set, its splits and what trains on it."""

    splits: list[Split]
    epochs: int
    batch_size: int | None
    learning_rate: float
    overlap: float  # Test rows divided by training rows, where splits share rows.


def load_data() -> dict[str, Data]:
    """Draw circles and moons, split the breast cancers, and cut the digits in pieces."""
    data = {k: Data(draw_splits(k, 12), 600, None, 0.005, 0) for k in ("circles", "moons")}
    X, y = load_breast_cancer(return_X_y=True)
    folds = RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=0).split(X, y)
    splits = [Split(X[train], X[test], y[train], y[test]) for train, test in folds]
    data["breast_cancer"] = Data(splits, 60, 60, 0.005, 1 / 3)
    X, y = load_digits(return_X_y=True)
    pieces = StratifiedKFold(8, shuffle=True, random_state=0).split(X, y)
    splits = [
        Split(*train_test_split(X[p], y[p], test_size=1 / 3, stratify=y[p], random_state=0))
        for _, p in pieces
    ]
    data["digits"] = Data(splits, 60, 32, 0.005, 0)
    counts = {name: reduced(len(each.splits)) for name, each in data.items()}
    return {k: each._replace(splits=each.splits[: counts[k]]) for k, each in data.items()}


def make_grids(epochs: int) -> dict[str, list[dict[str, Any]]]:
    """Give the candidates of each regulariser; all of them are tried against none, too."""
    patience = [epochs // 20, epochs // 5]
    stops = {"early_stopping": [True], "validation_fraction": [0.2]}
    noise = {"noise_input": [0, 0.3, 1], "noise_hidden": [0, 0.5, 2]}
    every = {
        **noise,
        "dropout": [0, 0.6],
        "max_norm": [None, 1],
        "alpha": [0, 1],
        "early_stopping": [False, True],
        "validation_fraction": [0.2],
        "patience": patience[1:],
    }
    return {
        "none": [{}],
        "fewer epochs": list(ParameterGrid({"epochs": [epochs // n for n in (30, 10, 3)]})),
        "early stopping": list(ParameterGrid({**stops, "patience": patience})),
        "alpha (L2)": list(ParameterGrid({"alpha": [0.1, 1, 10]})),
        "max_norm": list(ParameterGrid({"max_norm": [0.25, 0.5, 1, 2]})),
        "dropout": list(ParameterGrid({"dropout": [0.3, 0.6, 0.9]})),
        "noise": list(ParameterGrid(noise))[1:],
        "together": list(ParameterSampler(every, N_COMBINATIONS, random_state=0)),
    }


def search(model: Pipeline, split: Split, candidates: list[dict[str, Any]]) -> np.ndarray:
    """Give the cross-validated log-loss of each candidate on the training part."""
    grid = [{f"mlp__{name}": [value] for name, value in c.items()} for c in candidates]
    cv = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    found = GridSearchCV(model, grid, scoring="neg_log_loss", cv=cv, refit=False)
    return -found.fit(split.X_train, split.y_train).cv_results_["mean_test_score"]


def fit_best(
    model: Pipeline, split: Split, candidates: list[dict[str, Any]], best: list[int]
) -> list[tuple[float, float, float]]:
    models = [
        clone(model).set_params(**{f"mlp__{name}": v for name, v in candidates[i].items()})
        for i in best
    ]
    return joblib.Parallel()(joblib.delayed(fit_and_score)(m, split) for m in models)


def compare(name: str, data: Data) -> Scores:
    """Search each regulariser on each training part, test the best, and print the table."""
    grids = make_grids(data.epochs)
    candidates = [candidate for grid in grids.values() for candidate in grid]
    kinds = [kind for kind, grid in grids.items() for _ in grid]
    mlp = NoisyMLPClassifier(
        NODES,
        **NO_NOISE,
        alpha=0,
        epochs=data.epochs,
        batch_size=data.batch_size,
        learning_rate=data.learning_rate,
        verbose=1,
    )
    model = Pipeline([("scale", StandardScaler()), ("mlp", mlp)])
    seeded = [clone(model).set_params(mlp__random_state=i) for i in range(len(data.splits))]
    calls = [(*pair, candidates) for pair in zip(seeded, data.splits, strict=True)]
    losses = np.array(in_stacks(search, calls, len(candidates) * FOLDS))
    # "Together" may choose among all candidates; the others, their own or none.
    allowed = [[kind in (k, "none") or k == "together" for kind in kinds] for k in grids]
    best = [[int(np.where(a, row, np.inf).argmin()) for a in allowed] for row in losses]
    calls = [(*call, chosen) for call, chosen in zip(calls, best, strict=True)]
    results = np.moveaxis(np.array(in_stacks(fit_best, calls, len(grids))), 2, 0)
    scores = Scores(*results)
    widened = "; intervals widened, the splits overlap" if data.overlap else ""
    title = f"{name}, {len(data.splits)} splits, {len(data.splits[0].y_train)} training rows"
    print_table(f"{title}; differences to none{widened}", list(grids), scores, 0, data.overlap)
    noise = list(grids).index("noise")
    print_table("The same, differences to noise", list(grids), scores, noise, data.overlap)
    print("\nChosen most often")
    for kind, column in zip(grids, zip(*best, strict=True), strict=True):
        [(most, times)] = Counter(column).most_common(1)
        chosen = ", ".join(f"{k}={v}" for k, v in candidates[most].items()) or "none"
        print(f"{kind:16s}{times:2d} of {len(column)}  {chosen}")
    return scores


def plot(results: dict[str, Scores], data: dict[str, Data]) -> plt.Figure:
    kinds = list(make_grids(100))
    y = -np.arange(len(kinds) - 1)
    fig, axes = plt.subplots(2, len(results), figsize=(13, 6), layout="constrained", sharey=True)
    for column, (name, scores) in zip(axes.T, results.items(), strict=True):
        for ax, values in zip(column, (scores.accuracy, scores.loss), strict=True):
            gains = values[:, 1:] - values[:, :1]
            margins = half_width(gains, data[name].overlap)
            ax.axvline(0, color="0.3", lw=0.8)
            for i, color in enumerate(COLORS[1:]):
                mean = gains[:, i].mean()
                ax.errorbar(mean, y[i], xerr=margins[i], fmt="o", ms=5, capsize=3, color=color)
        accuracy, loss = scores.accuracy[:, 0].mean(), scores.loss[:, 0].mean()
        widened = ", widened intervals" if data[name].overlap else ""
        column[0].set_title(f"{name}{widened}\nnone: accuracy {accuracy:.2f}, log-loss {loss:.2f}")
        column[0].set_xlabel("test accuracy, difference to none")
        column[1].set_xlabel("test log-loss, difference to none")
        column[0].set_yticks(y, kinds[1:])
        for ax in column:
            ax.locator_params(axis="x", nbins=4)
    fig.suptitle("Regularisers, each at its searched best: paired differences, 95% intervals")
    return fig


def main() -> None:
    """Measure, print and plot."""
    data = load_data()
    results = {name: compare(name, each) for name, each in data.items()}
    save(plot(results, data), "regularisers")


if __name__ == "__main__":
    main()
