"""Noise on circles: the article, and fresh data
=============================================

Reproduce the article "Noise: it's not always annoying", and check it on fresh data.

The article trains 2-400-1 networks on 30 points of two noisy circles and tests them on 70 others:
one network without noise, one with Gaussian noise on the input, one with noise on the hidden
layer, one with both. Here they are trained on the article's own split with many seeds, and on many
fresh data sets; then follows the article's grid search. Figures go to ``examples/figures``.

One difference is on purpose: by a slip in its code, the article's network with both noises applies
relu before and after the hidden noise. Ours adds the noise before the only activation, as the
article's text says.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import matplotlib

matplotlib.use("Agg")  # The figures are files: no display is needed.

import matplotlib.pyplot as plt
import numpy as np
from _common import FIGURES, REDUCED, reduced
from scipy import stats
from sklearn.datasets import make_circles
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split

from sknoise import NoisyMLPClassifier


class Setting(NamedTuple):
    """One of the four networks, and the test accuracy that the article reports for it."""

    name: str
    noise_input: float
    noise_hidden: float
    article: float


SETTINGS = [
    Setting("no noise", 0, 0, 0.5857),
    Setting("input noise", 0.1, 0, 0.642),
    Setting("hidden noise", 0, 0.1, 0.671),
    Setting("both noises", 0.1, 0.1, 0.6857),
]
EPOCHS = 5000
GRID = {"nodes": [50, 100, 300, 500], "noise_hidden": [0.001, 0.01, 0.1, 0.2, 0.7, 1]}
HALF_WAY = 0.9  # The points are drawn around circles of radius 1 and 0.8.
LIMIT = 1.25  # Of the pictured plane.
ANGLES = np.linspace(0, 2 * np.pi, 200)
CLASS_COLORS = np.array(["#a50f25", "#1a5a9c"])  # Dark shades of the colour map RdBu.

Split = list[np.ndarray]  # X_train, X_test, y_train, y_test
Curves = dict[str, tuple[np.ndarray, np.ndarray]]  # Of each figure: on train, on test.


def draw_split(data_seed: int = 1, split_seed: int = 42) -> Split:
    """Draw 30 points for training and 70 for testing; by default the article's."""
    X, y = make_circles(n_samples=100, noise=0.1, random_state=data_seed)
    return train_test_split(X, y, test_size=0.7, random_state=split_seed)


def make_model(setting: Setting, seed: int) -> NoisyMLPClassifier:
    noise = {"noise_input": setting.noise_input, "noise_hidden": setting.noise_hidden}
    training = {"alpha": 0, "epochs": EPOCHS, "batch_size": None, "random_state": seed}
    return NoisyMLPClassifier(400, **noise, **training)


def progress_bar(label: str, total: int) -> Callable[[], None]:
    """Make a bar on one line of the terminal, which each call moves one step on.

    A file or pipe gets its end only.
    """
    steps = itertools.count(1)
    redrawn = sys.__stderr__.isatty()
    start = "\r" if redrawn else ""

    def step() -> None:
        done = next(steps)
        if not redrawn and done < total:
            return
        bar = f"[{'#' * (30 * done // total):.<30s}] {done}/{total}"
        end = "\n" if done == total else ""
        print(f"{start}{label:24s} {bar}", end=end, file=sys.__stderr__, flush=True)

    return step


def standard_error(accuracy: float, n_points: int) -> float:
    return np.sqrt(accuracy * (1 - accuracy) / n_points)


def fit_with_curves(split: Split) -> tuple[list[NoisyMLPClassifier], list[Curves]]:
    """Fit the four networks, and record their accuracy and loss after each epoch."""
    X_train, X_test, y_train, y_test = split
    models, curves = [], []
    step = progress_bar("Networks for the figures", len(SETTINGS))
    for setting in SETTINGS:
        clf = make_model(setting, seed=0).fit(X_train, y_train, X_val=X_test, y_val=y_test)
        # The training curves in history_ are taken with the noise on. To compare like with
        # like, a twin of the network, equal to the last bit, validates on the training set.
        twin = make_model(setting, seed=0).fit(X_train, y_train, X_val=X_train, y_val=y_train)
        keys = {"accuracy": "val_accuracy", "loss": "val_loss"}
        curves.append({k: (twin.history_[v], clf.history_[v]) for k, v in keys.items()})
        models.append(clf)
        step()
    return models, curves


def scatter(ax: plt.Axes, X: np.ndarray, y: np.ndarray, **style: Any) -> None:
    style = {"s": 28, "edgecolors": "white", "linewidths": 0.7, "zorder": 3} | style
    ax.scatter(*X.T, c=CLASS_COLORS[y], **style)


def frame(ax: plt.Axes, title: str) -> None:
    """Give all pictures of the plane the same limits and the circle half way."""
    x, y = HALF_WAY * np.array([np.cos(ANGLES), np.sin(ANGLES)])
    ax.plot(x, y, ":", lw=1.3, color="0.25", label="half way between the circles")
    ticks, limits = [-1, 0, 1], (-LIMIT, LIMIT)
    ax.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, aspect="equal", title=title)


def add_legend(fig: plt.Figure) -> None:
    entries = fig.axes[0].get_legend_handles_labels()
    fig.legend(*entries, loc="outside lower center", ncols=4, frameon=False)


def plot_data(split: Split) -> plt.Figure:
    X_train, X_test, y_train, y_test = split
    fig, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained", sharey=True)
    X, y = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])
    panels = [
        ("points", X, y),
        ("for training", X_train, y_train),
        ("for testing", X_test, y_test),
    ]
    for ax, (title, X, y) in zip(axes, panels, strict=True):
        for label, name in enumerate(["outer class", "inner class"]):
            scatter(ax, X[y == label], y[y == label], label=name)
        frame(ax, f"{len(y)} {title}")
    add_legend(fig)
    return fig


def plot_curves(curves: list[Curves]) -> plt.Figure:
    fig, axes = plt.subplots(2, 4, figsize=(12, 5.4), layout="constrained", sharey="row")
    epochs = np.arange(1, EPOCHS + 1)
    for column, setting, curve in zip(axes.T, SETTINGS, curves, strict=True):
        for ax, (train, test) in zip(column, curve.values(), strict=True):
            ax.fill_between(epochs, train, test, color="0.91", label="gap, with its final size")
            ax.plot(epochs, train, color="#1b7837", lw=1.2, label="30 training points")
            ax.plot(epochs, test, color="#762a83", lw=1.2, label="70 test points")
            x, ends = 1.05 * EPOCHS, [train[-1], test[-1]]
            ax.plot([x, x], ends, color="0.3", lw=1, marker="_")
            ax.text(x, np.mean(ends), f"  {abs(ends[0] - ends[1]):.2f}", va="center")
            ax.set(xlim=(0, 1.25 * EPOCHS), xticks=[0, EPOCHS // 2, EPOCHS])
        column[0].set(title=setting.name)
        column[1].set(xlabel="epoch", ylim=(0, None))
    axes[0, 0].set_ylabel("accuracy")
    axes[1, 0].set_ylabel("loss")
    add_legend(fig)
    return fig


def plot_boundaries(models: list[NoisyMLPClassifier], split: Split) -> plt.Figure:
    X_train, X_test, y_train, y_test = split
    fig, axes = plt.subplots(1, 4, figsize=(11.5, 3.8), layout="constrained", sharey=True)
    corners = np.array([[-LIMIT, -LIMIT], [LIMIT, LIMIT]])
    # Colours that could show -0.8 to 1.8 are paler from 0 to 1: the points stand out.
    shades = {"levels": np.linspace(0, 1, 17), "cmap": "RdBu", "vmin": -0.8, "vmax": 1.8}
    grid = {"eps": 0, "grid_resolution": 300, "response_method": "predict_proba"}
    for ax, setting, clf in zip(axes, SETTINGS, models, strict=True):
        display = DecisionBoundaryDisplay.from_estimator(clf, corners, ax=ax, **grid, **shades)
        shading = display.surface_
        display.plot("contour", ax=ax, levels=[0.5], colors="black", linewidths=1.5)
        ax.plot([], color="black", lw=1.5, label="boundary of the network")
        frame(ax, f"{setting.name}\ntest accuracy {clf.score(X_test, y_test):.2f}")
        scatter(ax, X_train, y_train, marker="s", edgecolors="black", label="training points")
        scatter(ax, X_test, y_test, label="test points")
    label = "probability of the inner class"
    fig.colorbar(shading, ax=axes, ticks=[0, 0.5, 1], label=label, shrink=0.8, pad=0.01)
    add_legend(fig)
    return fig


def describe_figures(models: list[NoisyMLPClassifier], curves: list[Curves], split: Split) -> None:
    _, X_test, _, y_test = split
    print("\nWhat the figures show (one fit of each network, random_state=0)\n")
    for setting, clf, curve in zip(SETTINGS, models, curves, strict=True):
        gaps = [abs(train[-1] - test[-1]) for train, test in curve.values()]
        _, loss = curve["loss"]
        sure = clf.predict_proba(X_test).max(axis=1).mean()
        print(
            f"{setting.name}: between train and test, the gap ends at {gaps[0]:.2f} in accuracy "
            f"and {gaps[1]:.2f} in loss.\n  The test loss is smallest, {loss.min():.2f}, after "
            f"epoch {loss.argmin() + 1}, and ends at {loss[-1]:.2f}.\n  On the test points the "
            f"network is {sure:.0%} sure on average, and right on {clf.score(X_test, y_test):.0%}."
        )


def measure(label: str, splits: list[Split]) -> np.ndarray:
    """Fit the four networks to each split, all with the split's number as their seed.

    Returns training accuracy, test accuracy and test log-loss, each with a row for a split and
    a column for a network. Within a row, data and seed are the same: differences are paired.
    """
    results = np.empty((3, len(splits), len(SETTINGS)))
    step = progress_bar(label, len(splits))
    for seed, (X_train, X_test, y_train, y_test) in enumerate(splits):
        for i, setting in enumerate(SETTINGS):
            clf = make_model(setting, seed).fit(X_train, y_train)
            loss = log_loss(y_test, clf.predict_proba(X_test))
            results[:, seed, i] = clf.score(X_train, y_train), clf.score(X_test, y_test), loss
        step()
    return results


def compare_with_article(repeats: int) -> None:
    """Print the article's test accuracy beside ours, on its split."""
    train, test, _ = measure("The article's split", [draw_split()] * repeats)
    print(f"\nAccuracy on the article's split: mean (standard deviation) of {repeats} seeds\n")
    print(f"{'':14s} {'article, test':>13s} {'ours, test':>15s} {'ours, train':>15s}")
    for setting, *ours in zip(SETTINGS, test.T, train.T, strict=True):
        columns = "".join(f" {a.mean():6.4f} ({a.std(ddof=1):.4f})" for a in ours)
        print(f"{setting.name:14s} {setting.article!s:>13s}{columns}")
    top = SETTINGS[-1].article
    error, gain = standard_error(top, 70), top - SETTINGS[0].article
    print(
        f"\nAn accuracy of {top} on 70 test points has a standard error of {error:.3f}. The "
        f"article's largest\ngain, {gain:.3f}, is {gain / error:.1f} times that. Our seeds vary "
        f"by up to {test.std(axis=0, ddof=1).max():.3f} (standard deviation),\nbut share the 70 "
        "points: only fresh data shows how much the choice of points matters."
    )


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Give the mean and the ends of its 95% t interval."""
    margin = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return values.mean(), values.mean() - margin, values.mean() + margin


def compare_on_fresh_data(repeats: int) -> None:
    """Print the paired differences to the network without noise, and what they mean."""
    splits = [draw_split(1000 + i, 2000 + i) for i in range(repeats)]
    _, accuracy, loss = measure("Fresh data sets", splits)
    print(
        f"\nOn {repeats} fresh data sets: mean, and paired difference to no noise [95% interval]"
    )
    for name, values, sign in ("accuracy", accuracy, 1), ("log-loss", loss, -1):
        print(f"\ntest {name}\n{'no noise':14s} {values[:, 0].mean():.3f}")
        for i, setting in enumerate(SETTINGS[1:], start=1):
            gains = values[:, i] - values[:, 0]
            mean, low, high = interval(gains)
            meaning = "better" if sign * mean > 0 else "worse"
            meaning = "no clear difference" if low <= 0 <= high else meaning
            numbers = f"{values[:, i].mean():.3f}  {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
            print(f"{setting.name:14s} {numbers}  {meaning}")
            if name == "accuracy":
                claim = setting.article - SETTINGS[0].article
                place = "above" if claim > high else "below" if claim < low else "inside"
                # Half a point of leeway, as the article rounds.
                reached, lost = (gains > claim - 0.5 / 70).sum(), (gains < 0).sum()
                print(f"{'':14s} the article's {claim:+.3f} is {place} the interval;", end=" ")
                print(f"{reached} of {repeats} data sets gain as much, {lost} lose")
    X, y = make_circles(100_000, noise=0.1, random_state=0)
    circle = ((np.hypot(*X.T) < HALF_WAY) == y).mean()
    print(f"\nFor scale: the circle half way, which no network knows, has accuracy {circle:.3f}.")


def search_grid(split: Split) -> None:
    """Search the article's grid on its training set, and print in the article's form."""
    X_train, _, y_train, _ = split
    clf = make_model(SETTINGS[0], seed=0)
    print(f"\nGrid search on the {len(y_train)} training points, {EPOCHS} epochs\n")
    start = time.perf_counter()
    with joblib.parallel_config(backend="sknoise"):
        search = GridSearchCV(clf, GRID, cv=5, verbose=1).fit(X_train, y_train)
    print(f"{time.perf_counter() - start:.1f} s, the fit of the best to all points included\n")
    results = search.cv_results_
    params = [{name: p[name] for name in GRID} for p in results["params"]]
    means = results["mean_test_score"]
    print(f"Best: {search.best_score_:f} using {params[search.best_index_]}")
    for mean, std, candidate in zip(means, results["std_test_score"], params, strict=True):
        print(f"{mean:f} ({std:f}) with: {candidate}")
    error = standard_error(search.best_score_, len(y_train))
    tied, near = ((means > means.max() - margin).sum() for margin in (1e-9, error))
    print(
        "\nThe article found 0.833 with 300 nodes and noise 0.001. Each mean comes from "
        f"{len(y_train)} points: the best\nhas a standard error of about {error:.3f}. Candidates "
        f"that share the best mean: {tied}; within one standard\nerror of it: {near}."
    )


def main() -> None:
    """Run all, in the order of the article."""
    about = "Reproduce the article, and check it on fresh data."
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--repeats", type=int, default=reduced(50), help="seeds and fresh data sets"
    )
    parser.add_argument("--figures", type=Path, default=FIGURES, help="folder for the figures")
    args = parser.parse_args()
    if args.repeats < 2:
        parser.error("an interval needs --repeats of 2 or more")

    split = draw_split()
    models, curves = fit_with_curves(split)
    models[-1].model_.summary()
    args.figures.mkdir(parents=True, exist_ok=True)
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9.5})
    figures = {
        "data": plot_data(split),
        "curves": plot_curves(curves),
        "boundaries": plot_boundaries(models, split),
    }
    for name, figure in figures.items():
        figure.savefig(args.figures / f"{name}.png", dpi=100)
    print(f"\nSaved {', '.join(figures)} to {os.path.relpath(args.figures)}{REDUCED}")
    describe_figures(models, curves, split)
    compare_with_article(args.repeats)
    compare_on_fresh_data(args.repeats)
    search_grid(split)


if __name__ == "__main__":
    main()
