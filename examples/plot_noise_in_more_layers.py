"""Noise in more layers
====================

Ask where noise helps: in the input, the first hidden layer, the second, or all.

The article has one hidden layer. Here a 2-64-64-1 network trains for 1,000 epochs on 30 points of
the article's circles, and of moons (noise 0.3), with noise of five levels in five places. It is
tested on 2,000 fresh points: 40 data sets of each kind, each with a seed of its own, and 11 others
to choose levels. All fits train in stacks. Differences are paired, with 95% t-intervals over the
data sets, not corrected for their number.

What was found, as test accuracy and log-loss; a coin has a log-loss of 0.69:

* Moons: the input is the best place. Without noise 0.830 and 1.22. Input noise of 0.3, the level
  that the other data sets choose, changes that by +0.031 [+0.018, +0.044] and -0.87 [-1.04,
  -0.71]. Against it, each other place at its own best level, all at once included, loses 0.022 to
  0.028 of accuracy and 0.05 to 0.19 of log-loss, all clearly.
* The second layer needs some ten times the level. On the moons, noise of 0.1 there changes the
  log-loss by +0.03 [-0.05, +0.10], in the first layer by -0.33 [-0.47, -0.19], in both by -0.33;
  noise of 1 in the second layer by -0.40.
* Circles: without noise 0.716 and 1.98. No place at any level is better than the coin: at the
  level with the least log-loss, always the largest, the network learns nothing (accuracy 0.50 to
  0.51). At 0.1, noise in the first layer or in both halves the log-loss, by -0.97 and -0.98, and
  makes no clear difference to the accuracy; in the second layer it gains 0.007 [0.003, 0.012] of
  accuracy and 0.30 of log-loss. Input noise of 0.1, half the distance of the circles, costs 0.028
  [0.018, 0.039] of accuracy.

The figure goes to ``examples/figures/noise_in_more_layers.png``.
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

NODES = [64, 64]
EPOCHS = 1000
CHOOSING = reduced(11)  # Data sets of each kind that only choose levels.
REPEATS = reduced(40)  # Data sets of each kind that everything else is measured on.
LEVELS = np.array([0.03, 0.1, 0.3, 1, 3])
# What the level is multiplied by: in the input, the first layer, the second.
PLACES = {
    "input": (1, 0, 0),
    "first layer": (0, 1, 0),
    "second layer": (0, 0, 1),
    "both layers": (0, 1, 1),
    "input and both layers": (1, 1, 1),
}


def make_settings() -> dict[str, dict]:
    settings = {"no noise": NO_NOISE}
    for place, (of_input, *of_hidden) in PLACES.items():
        for level in LEVELS:
            hidden = [level * factor for factor in of_hidden]
            noise = {"noise_input": level * of_input, "noise_hidden": hidden}
            settings[f"{place}, {level:g}"] = noise
    return settings


def columns_of(number: int) -> np.ndarray:
    """Give the columns of a place, a level each."""
    return 1 + number * len(LEVELS) + np.arange(len(LEVELS))


def compare_best(kind: str, chooser: Scores, scores: Scores, names: list[str]) -> None:
    """Print each place at the level that is best for it on the data sets that choose."""
    best = [best_of(chooser, columns_of(number)) for number in range(len(PLACES))]
    chosen = [names[i] for i in [0, *best]]
    title = f"{kind}, each place at its best level of {CHOOSING} other data sets; differences to"
    print_table(f"{title} no noise", chosen, scores.networks([0, *best]))
    print_table(f"{title} input", chosen[1:], scores.networks(best))


def plot(results: dict[str, Scores]) -> plt.Figure:
    fig, axes = plt.subplots(
        2, len(results), figsize=(9, 6.6), layout="constrained", sharex=True, sharey="row"
    )
    for column, (kind, scores) in zip(axes.T, results.items(), strict=True):
        for ax, values in zip(column, (scores.accuracy, scores.loss), strict=True):
            ax.axhline(0, color="0.3", lw=0.8)
            for number, place in enumerate(PLACES):
                gains = values[:, columns_of(number)] - values[:, :1]
                draw_line(ax, LEVELS * 1.04 ** (number - 2), gains, number + 1, place)
        accuracy, loss = scores.accuracy[:, 0].mean(), scores.loss[:, 0].mean()
        column[0].set_title(f"{kind}\nwithout noise: accuracy {accuracy:.2f}, log-loss {loss:.2f}")
        column[1].axhline(COIN - loss, color="0.3", lw=1, ls=":", label="coin")
        column[1].set(xscale="log", xlabel="level of the noise (standard deviation)")
        column[1].set_xticks(LEVELS, [f"{level:g}" for level in LEVELS], minor=False)
        column[1].minorticks_off()
    axes[0, 0].set_ylabel("test accuracy, difference to no noise")
    axes[1, 0].set_ylabel("test log-loss, difference to no noise")
    entries = axes[1, 0].get_legend_handles_labels()
    fig.legend(*entries, loc="outside lower center", ncols=6, frameon=False)
    fig.suptitle(f"Noise in the layers of a 2-64-64-1 network, {REPEATS} data sets, 95% intervals")
    return fig


def main() -> None:
    """Measure, print and plot."""
    settings = make_settings()
    names = list(settings)
    model = NoisyMLPClassifier(NODES, alpha=0, epochs=EPOCHS, batch_size=None, verbose=1)
    results = {}
    for kind in ("circles", "moons"):
        measured = measure(model, settings, draw_splits(kind, CHOOSING + REPEATS))
        scores = results[kind] = measured.splits(slice(CHOOSING, None))
        print_table(f"{kind}, differences to no noise", names, scores)
        compare_best(kind, measured.splits(slice(CHOOSING)), scores, names)
    save(plot(results), "noise_in_more_layers")


if __name__ == "__main__":
    main()
