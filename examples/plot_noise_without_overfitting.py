"""Noise without overfitting
=========================

Ask whether noise hurts where little overfits.

A 2-100-1 network trains for 3,000 steps of at most 32 rows on 30 to 2,000 points of the article's
circles, and of moons (noise 0.3), and is tested on 5,000 fresh ones: 20 data sets of each kind and
size, each with a seed of its own. A 64-100-10 network trains for 30 epochs on the scaled digits,
in two five-fold splits. All fits train in stacks. Differences are paired, with 95% t-intervals,
not corrected for their number; those of the digits, whose splits share rows, are widened by the
correction of Nadeau and Bengio.

What was found: with many rows noise helps next to nothing, and hurts from a level on that depends
on the data.

* Circles, 2,000 rows, no noise: accuracy 0.835, log-loss 0.389, on the training points 0.379. All
  noise makes the log-loss worse, in the input by 0.051 [0.050, 0.052] at 0.1, by 0.219 at 0.3;
  both noises at 0.1 cost 0.004 [0.002, 0.006] of accuracy, at 0.3 it is 0.080.
* Moons, 2,000 rows, no noise: 0.909 and 0.228, on the training points 0.225. Both at 0.1 cost
  0.002 of accuracy and 0.003 of log-loss, hidden noise of 0.03 gains 0.001 and 0.002, 0.3 in the
  hidden layer costs 0.044 and 0.077.
* Digits, 1,437 rows, no noise: 0.972 and 0.108, on the training part 0.022, so these do overfit.
  Up to 0.3 no level makes a difference that matters (the largest is -0.008 [-0.032, +0.015] of
  log-loss); both noises at 1 cost 0.017 [0.003, 0.030] of accuracy.
* Both noises at 0.1 lower the log-loss by 0.48 and 0.47 with 30 rows of circles and of moons. With
  100 rows they already hurt on the circles (+0.055 [+0.049, +0.060]), though without noise the
  network still overfits there (0.377 on the training points, 0.463 on the others). On the moons
  they help by 0.011 [0.001, 0.022] with 100 rows, and hurt by 0.002 [0.000, 0.003] with 400.

The figure goes to ``examples/figures/noise_without_overfitting.png``.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _common import (
    NO_NOISE,
    Scores,
    Split,
    draw_line,
    draw_splits,
    measure,
    print_table,
    reduced,
    save,
)
from sklearn.datasets import load_digits
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifier

NODES = 100
STEPS = 3000  # Of at most 32 rows each, however many rows there are.
BATCH = 32
REPEATS = reduced(20)  # Data sets of each kind and size.
ROWS = np.array([30, 100, 400, 2000])
LEVELS = np.array([0.03, 0.1, 0.3, 1])
PLACES = {"input": (1, 0), "hidden": (0, 1), "both": (1, 1)}
DIGITS_EPOCHS = 30
FOLDS = 5  # Of the digits, twice.


def make_settings(levels: np.ndarray) -> dict[str, dict]:
    settings = {"no noise": NO_NOISE}
    for place, (of_input, of_hidden) in PLACES.items():
        for level in levels:
            noise = {"noise_input": level * of_input, "noise_hidden": level * of_hidden}
            settings[f"{place} {level:g}"] = noise
    return settings


def measure_points(kind: str, n_rows: int, settings: dict[str, dict]) -> Scores:
    """Measure on circles or moons, with the same number of steps for any number of rows."""
    epochs = STEPS // -(-n_rows // BATCH)
    model = NoisyMLPClassifier(NODES, alpha=0, epochs=epochs, batch_size=BATCH, verbose=1)
    return measure(model, settings, draw_splits(kind, REPEATS, n_rows, n_test=5000))


def measure_digits(settings: dict[str, dict]) -> Scores:
    """Measure on two five-fold splits of the digits, scaled."""
    X, y = load_digits(return_X_y=True)
    splits = []
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=2, random_state=0)
    for train, test in folds.split(X, y):
        scaler = StandardScaler().fit(X[train])
        splits.append(Split(*map(scaler.transform, (X[train], X[test])), y[train], y[test]))
    model = NoisyMLPClassifier(NODES, alpha=0, epochs=DIGITS_EPOCHS, batch_size=64, verbose=1)
    return measure(model, settings, splits[: reduced(len(splits))])


def plot(
    by_level: dict[str, tuple[Scores, float]], by_rows: dict[str, list[Scores]]
) -> plt.Figure:
    fig, axes = plt.subplots(2, 4, figsize=(13, 6.4), layout="constrained", sharex="col")
    for column, (title, (scores, overlap)) in zip(axes.T, by_level.items(), strict=False):
        for ax, values in zip(column, (scores.accuracy, scores.loss), strict=True):
            for number, place in enumerate(PLACES):
                columns = 1 + number * len(LEVELS) + np.arange(len(LEVELS))
                gains = values[:, columns] - values[:, :1]
                draw_line(ax, LEVELS * 1.04 ** (number - 1), gains, number + 1, place, overlap)
        accuracy, loss = scores.accuracy[:, 0].mean(), scores.loss[:, 0].mean()
        column[0].set_title(f"{title}\nno noise: accuracy {accuracy:.2f}, log-loss {loss:.2f}")
        column[1].set(xscale="log", xlabel="level of the noise (standard deviation)")
        column[1].set_xticks(LEVELS, [f"{level:g}" for level in LEVELS])
        column[1].minorticks_off()
    for number, (kind, sizes) in enumerate(by_rows.items(), start=len(PLACES) + 1):
        for ax, name in zip(axes[:, 3], ("accuracy", "loss"), strict=True):
            values = [getattr(scores, name) for scores in sizes]
            gains = np.column_stack([v[:, -1] - v[:, 0] for v in values])
            draw_line(ax, ROWS * 1.04 ** (number - 4.5), gains, number, f"{kind}, both 0.1")
    axes[0, 3].set_title("both noises at 0.1,\nby number of rows")
    axes[1, 3].set(xscale="log", xlabel="training rows")
    axes[1, 3].set_xticks(ROWS, [f"{n:,}" for n in ROWS])
    axes[1, 3].minorticks_off()
    for ax in axes.flat:
        ax.axhline(0, color="0.3", lw=0.8)
    axes[0, 0].set_ylabel("test accuracy, difference to no noise")
    axes[1, 0].set_ylabel("test log-loss, difference to no noise")
    entries = [axes[1, i].get_legend_handles_labels() for i in (0, 3)]
    handles, labels = ([*a, *b] for a, b in zip(*entries, strict=True))
    fig.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    fig.suptitle("Noise where little overfits, and where it begins to hurt: 95% intervals")
    return fig


def main() -> None:
    """Measure, print and plot."""
    settings, few = make_settings(LEVELS), make_settings(np.array([0.1]))
    names = list(settings)
    by_level, by_rows = {}, {}
    for kind in ("circles", "moons"):
        by_rows[kind] = []
        for n_rows in ROWS:
            title, many = f"{kind}, {n_rows:,} rows", n_rows == ROWS[-1]
            scores = measure_points(kind, n_rows, settings if many else few)
            print_table(f"{title}; differences to no noise", names if many else list(few), scores)
            if many:
                by_level[title] = scores, 0
                scores = scores.networks([names.index(name) for name in few])
            by_rows[kind].append(scores)
    scores, overlap = measure_digits(settings), 1 / (FOLDS - 1)
    by_level["digits, 1,437 rows, scaled"] = scores, overlap
    print_table("digits; differences to no noise, intervals widened", names, scores, 0, overlap)
    save(plot(by_level, by_rows), "noise_without_overfitting")


if __name__ == "__main__":
    main()
