"""Noise and depth
===============

Ask whether noise helps deeper networks more, and whether depth pays with it.

Networks of one to four hidden layers of 64 nodes train for 1,000 epochs on 30 points of the
article's circles, and of moons (noise 0.3): without noise, with noise in the input, in all hidden
layers, and in both. They are tested on 2,000 fresh points: 24 data sets of each kind, each with a
seed of its own, and 10 others to choose the noise for each depth. All fits train in stacks.
Differences are paired, with 95% t-intervals over the data sets, not corrected for their number.

What was found:

* Without noise, depth makes the probabilities far worse and the accuracy somewhat. From one to
  four layers the log-loss goes from 0.44 to 2.65 on the moons and from 0.71 to 5.57 on the
  circles, the accuracy from 0.834 to 0.806 (-0.028 [-0.049, -0.007]) and from 0.701 to 0.687 (no
  clear difference).
* So the deeper the network, the more log-loss there is for noise to cut. Input noise of 0.3
  changes it on the moons by -0.05, -0.89, -1.60 and -2.29 for one to four layers.
* With noise, depth paid on the moons, a little: with input noise of 0.3, the best of those tried
  at every depth, four layers beat one by 0.020 [0.012, 0.029] of accuracy and 0.021 [0.008, 0.034]
  of log-loss. They have 0.854 and 0.364.
* On the circles it did not. No noise brings any depth under the log-loss of a coin, 0.69. The best
  of two to four layers have 0.76 to 0.77, and have nearly given up (accuracy 0.58). With one
  layer, noise makes no clear difference to the log-loss, 0.71, and costs accuracy.
* Noise of 0.1 in all hidden layers never changes the accuracy clearly from two layers on.

The figure goes to ``examples/figures/noise_and_depth.png``.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _common import (
    COIN,
    NO_NOISE,
    Scores,
    best_of,
    draw_line,
    draw_splits,
    measure,
    print_table,
    reduced,
    save,
)

from sknoise import NoisyMLPClassifier

WIDTH = 64
EPOCHS = 1000
CHOOSING = reduced(10)  # Data sets of each kind that only choose the noise.
REPEATS = reduced(24)  # Data sets of each kind that everything else is measured on.
DEPTHS = np.array([1, 2, 3, 4])
NOISES = {
    "no noise": NO_NOISE,
    "input 0.1": {"noise_input": 0.1, "noise_hidden": 0},
    "input 0.3": {"noise_input": 0.3, "noise_hidden": 0},
    "hidden 0.1": {"noise_input": 0, "noise_hidden": 0.1},
    "hidden 0.3": {"noise_input": 0, "noise_hidden": 0.3},
    "both 0.1": {"noise_input": 0.1, "noise_hidden": 0.1},
}


def columns_of(noise: int) -> np.ndarray:
    """Give the columns of a noise, a depth each."""
    return np.arange(len(DEPTHS)) * len(NOISES) + noise


def compare_depths(kind: str, chooser: Scores, scores: Scores, names: list[str]) -> None:
    """Print what depth changes: without noise, and with the noise that suits each depth."""
    without = columns_of(0)
    best = [best_of(chooser, start + np.arange(len(NOISES))) for start in without]
    for title, columns in (
        (f"{kind}, no noise", without),
        (f"{kind}, each depth with its best noise of {CHOOSING} other data sets", best),
    ):
        chosen = [names[i] for i in columns]
        print_table(f"{title}; differences to depth 1", chosen, scores.networks(columns))


def plot(results: dict[str, Scores]) -> plt.Figure:
    fig, axes = plt.subplots(2, len(results), figsize=(9.4, 6.8), layout="constrained")
    for column, (kind, scores) in zip(axes.T, results.items(), strict=True):
        for ax, values in zip(column, (scores.accuracy, scores.loss), strict=True):
            for number, noise in enumerate(NOISES):
                x = DEPTHS + 0.06 * (number - 2.5)
                draw_line(ax, x, values[:, columns_of(number)], number, noise)
            ax.set(xlabel=f"hidden layers of {WIDTH} nodes", xticks=DEPTHS)
        column[0].set(title=kind, ylabel="test accuracy")
        column[1].axhline(COIN, color="0.3", lw=1, ls=":", label="coin")
        column[1].set(yscale="log", ylabel="test log-loss (log scale)")
        ticks = [0.4, 0.5, 0.7, 1, 2, 4, 8]
        column[1].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        column[1].minorticks_off()
    entries = axes[1, 0].get_legend_handles_labels()
    fig.legend(*entries, loc="outside lower center", ncols=7, frameon=False)
    fig.suptitle(
        f"Depth and noise: means over {REPEATS} data sets and their 95% intervals\n"
        "(the intervals of the differences, which are paired, are in the table)"
    )
    return fig


def main() -> None:
    """Measure, print and plot."""
    settings = {
        f"depth {depth}, {name}": {"nodes": [WIDTH] * depth, **noise}
        for depth in DEPTHS
        for name, noise in NOISES.items()
    }
    names = list(settings)
    without = np.repeat(columns_of(0), len(NOISES))
    model = NoisyMLPClassifier(alpha=0, epochs=EPOCHS, batch_size=None, verbose=1)
    results = {}
    for kind in ("circles", "moons"):
        measured = measure(model, settings, draw_splits(kind, CHOOSING + REPEATS))
        scores = results[kind] = measured.splits(slice(CHOOSING, None))
        print_table(f"{kind}, differences to no noise at the same depth", names, scores, without)
        compare_depths(kind, measured.splits(slice(CHOOSING)), scores, names)
    save(plot(results), "noise_and_depth")


if __name__ == "__main__":
    main()
