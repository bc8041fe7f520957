"""What the examples on single questions share: data, fits in stacks, intervals, a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import matplotlib

matplotlib.use("Agg")  # The figures are files: no display is needed.

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from sklearn.base import ClassifierMixin, clone
from sklearn.datasets import make_circles, make_moons
from sklearn.model_selection import train_test_split

FIGURES = Path(__file__).parent / "figures"
# The article's noise for the circles; for the moons as much as makes them overlap, too.
GENERATORS = {"circles": (make_circles, 0.1), "moons": (make_moons, 0.3)}
NO_NOISE = {"noise_input": 0, "noise_hidden": 0}
COIN = np.log(2)  # The log-loss of who gives each of two classes one half.
COLORS = ["#4d4d4d", "#1b7837", "#762a83", "#d06a1e", "#1a5a9c", "#a50f25", "#8c6d1f", "#2a9d8f"]
MARKERS = "osD^vPX*"
# What the number of data sets is divided by, for a quick look at whether everything runs.
DIVISOR = int(os.environ.get("SKNOISE_EXAMPLES_DIVISOR", "1"))
REDUCED = f" [reduced run: 1/{DIVISOR} of the data sets]" if DIVISOR > 1 else ""
# So many fits train at a time under the backend.
WAVE = 512

Settings = Mapping[str, Mapping[str, Any]]  # The parameters of each network, by its name.


class Split(NamedTuple):
    """A data set in two parts."""

    X_train: np.ndarray
    X_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray


class Scores(NamedTuple):
    """What was measured: a row for each split, a column for each network."""

    train_loss: np.ndarray
    accuracy: np.ndarray
    loss: np.ndarray

    def splits(self, rows: slice) -> Scores:
        return Scores(*(values[rows] for values in self))

    def networks(self, columns: Sequence[int] | np.ndarray) -> Scores:
        return Scores(*(values[:, columns] for values in self))


def reduced(number: int) -> int:
    """Give the number of data sets of this run; an interval needs two."""
    return max(2, number // DIVISOR)


def draw_splits(name: str, n_splits: int, n_train: int = 30, n_test: int = 2000) -> list[Split]:
    """Draw fresh data sets of circles or moons, each with its own test part."""
    make, noise = GENERATORS[name]
    splits = []
    for seed in range(1000, 1000 + n_splits):
        X, y = make(n_train + n_test, noise=noise, random_state=seed)
        splits.append(Split(*train_test_split(X, y, train_size=n_train, random_state=seed)))
    return splits


def in_stacks(function: Callable[..., Any], arguments: Sequence[tuple], n_fits: int) -> list[Any]:
    """Call a function with each tuple of arguments; the fits in all calls train in stacks.

    What is compiled for a wave of fits serves the next one if that is made up alike: so the calls,
    of n_fits fits each, are shared out evenly. Large stacks, for the same reason: these fits
    are so short that most of the time is compilation.
    """
    n_waves = -(-len(arguments) // (WAVE // n_fits))
    results = []
    with joblib.parallel_config(backend="sknoise", max_networks=WAVE):
        for part in np.array_split(np.arange(len(arguments)), n_waves):
            calls = (joblib.delayed(function)(*arguments[i]) for i in part)
            results += joblib.Parallel()(calls)
    return results


def log_loss(model: ClassifierMixin, X: np.ndarray, y: np.ndarray) -> float:
    """Compute the log-loss; unlike scikit-learn's, it knows no largest loss of a row."""
    return -model.predict_log_proba(X)[np.arange(len(y)), y].mean()


def fit_and_score(model: ClassifierMixin, split: Split) -> tuple[float, float, float]:
    """Give the log-loss on the training part; accuracy and log-loss on the test part."""
    model.fit(split.X_train, split.y_train)
    accuracy = (model.predict(split.X_test) == split.y_test).mean()
    train_loss = log_loss(model, split.X_train, split.y_train)
    return train_loss, accuracy, log_loss(model, split.X_test, split.y_test)


def fit_settings(
    model: ClassifierMixin, settings: Settings, split: Split, seed: int
) -> list[tuple[float, float, float]]:
    """Fit all networks to one split, with one seed."""
    models = [clone(model).set_params(**p, random_state=seed) for p in settings.values()]
    return joblib.Parallel()(joblib.delayed(fit_and_score)(m, split) for m in models)


def measure(model: ClassifierMixin, settings: Settings, splits: Sequence[Split]) -> Scores:
    """Fit each network to each split.

    Within a row of the result, data, initial weights and draws of the noise are the same:
    differences are paired.
    """
    calls = [(model, settings, split, seed) for seed, split in enumerate(splits)]
    results = np.array(in_stacks(fit_settings, calls, len(settings)))
    return Scores(*np.moveaxis(results, 2, 0))


def best_of(scores: Scores, columns: np.ndarray) -> int:
    """Give that of the columns which has the least mean test log-loss."""
    return int(columns[scores.loss[:, columns].mean(axis=0).argmin()])


def half_width(differences: np.ndarray, overlap: float = 0) -> np.ndarray:
    """Compute half the width of a 95% t-interval for the mean over the splits.

    Where splits share rows, overlap is the number of test rows divided by that of training
    rows: it widens the interval as Nadeau and Bengio propose, "Inference for the generalization
    error", Machine Learning 52, 2003.
    """
    n = len(differences)
    return stats.t.ppf(0.975, n - 1) * differences.std(axis=0, ddof=1) * np.sqrt(1 / n + overlap)


def with_interval(differences: np.ndarray, overlap: float = 0) -> str:
    mean, margin = differences.mean(), half_width(differences, overlap)
    return f"{mean:+.3f} [{mean - margin:+.3f}, {mean + margin:+.3f}]"


def print_table(
    title: str,
    names: Sequence[str],
    scores: Scores,
    base: int | np.ndarray = 0,
    overlap: float = 0,
) -> None:
    """Print means, and paired differences to the column base, or to one for each column."""
    width = max(map(len, names))
    columns = "".join(f"  {name:8s} difference [95%]        " for name in ("accuracy", "log-loss"))
    print(f"\n{title}{REDUCED}\n{'':{width}s}{columns}  on train")
    for i, j in enumerate(np.broadcast_to(base, len(names))):
        line = f"{names[i]:{width}s}"
        for values in (scores.accuracy, scores.loss):
            gain = with_interval(values[:, i] - values[:, j], overlap) if i != j else ""
            line += f"  {values[:, i].mean():<8.3f} {gain:23s}"
        print(f"{line}  {scores.train_loss[:, i].mean():.3f}")


def draw_line(
    ax: plt.Axes, x: np.ndarray, values: np.ndarray, number: int, label: str, overlap: float = 0
) -> None:
    """Draw means over the splits with their 95% intervals."""
    style = {"color": COLORS[number], "marker": MARKERS[number], "ms": 4.5, "lw": 1.3}
    margins = half_width(values, overlap)
    ax.errorbar(x, values.mean(axis=0), margins, label=label, capsize=2, elinewidth=0.9, **style)


def save(figure: plt.Figure, name: str) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURES / f"{name}.png", dpi=100)
    print(f"\nSaved {os.path.relpath(FIGURES / name)}.png{REDUCED}")


plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9.5})
plt.rcParams["axes.titlesize"] = "medium"
