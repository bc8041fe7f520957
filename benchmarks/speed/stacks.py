"""Time searches trained as stacks, and stacks themselves, by: python -m benchmarks.speed.stacks.

Prints, for each part, a table of medians over repeats that are taken in turn. Ratios are ours /
peer, with their targets beside. All parts together take a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import joblib
import numpy as np
from scipy.optimize import nnls
from scipy.stats import loguniform, randint
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.processes import in_fresh_process, quieten, seconds
from benchmarks.speed.peers import (
    EPOCHS,
    FIXED,
    KERAS_EPOCHS,
    article_data,
    compared,
    extrapolated,
    medians,
    sklearn_mlp,
    table,
)
from sknoise import NoisyMLPClassifier, __version__
from sknoise.noise._sites import Site
from sknoise.training import _cost
from sknoise.training._initial import initial_state
from sknoise.training._rows import distinct_rows, grouped
from sknoise.training._spec import Spec
from sknoise.training._types import Model, Network, Noise, Optimizer, Task, never

# TensorFlow is imported late, as in peers.py: its notes are silenced first.

NODES = [50, 100, 300, 500]
NOISE_LEVELS = [0.001, 0.01, 0.1, 0.2, 0.7, 1]
N_FOLDS = 5
N_GRID_FITS = len(NODES) * len(NOISE_LEVELS) * N_FOLDS + 1  # The last one is the refit.
SKLEARN_EPOCHS = 50, 250  # scikit-learn is timed over both, and extrapolated from there.
N_CANDIDATES, SEARCH_EPOCHS = 60, 200
STACK_SIZES = (1, 4, 16, 64, 256)
SEEDS = "seeds differ", f"one seed, {N_FOLDS} folds"
CONSTANTS = ("_STEP", "_NETWORK", "_DRAW", "_MULTIPLY_ADD", "_UNIT", "_WEIGHT")
CALL_SECONDS = 0.15  # A call of a program that is timed takes about so long.

FOOTNOTE = f"""*  Extrapolated from grids of {SKLEARN_EPOCHS[0]} and of {SKLEARN_EPOCHS[1]} epochs.
** Extrapolated: {N_GRID_FITS} times the mean over one fit of each width, of which only the
   {KERAS_EPOCHS} epochs are timed by which two fits differ. Building and tracing the models, and
   the search itself, are left out so."""

Fit = Callable[[], object]
Timer = Callable[[], float]


class Stack(NamedTuple):
    """A stack of equal networks, to be timed; a batch size of None is all rows."""

    sizes: tuple[int, ...]
    n_rows: int
    batch_size: int | None
    n_networks: int
    n_sources: int
    noise_input: float = 0.1


# What a step costs is fitted to these: each constant weighs most in some of them.
STACKS = [
    Stack((2, 50, 1), 24, None, 1, 1),
    Stack((2, 50, 1), 24, None, 30, 5),
    Stack((2, 300, 1), 24, None, 8, 8),
    Stack((2, 500, 1), 24, None, 30, 5),
    Stack((2, 500, 1), 24, None, 30, 30),
    Stack((2, 1000, 1), 100, None, 4, 4),
    Stack((10, 20, 1), 100, 8, 32, 4),
    Stack((10, 20, 1), 100, 8, 32, 32),
    Stack((30, 100, 1), 455, 32, 1, 1),
    Stack((30, 100, 1), 455, 32, 20, 5),
    Stack((30, 100, 1), 455, 32, 20, 20),
    Stack((30, 200, 1), 455, 32, 40, 5),
    Stack((30, 50, 1), 455, 32, 64, 5),
    Stack((64, 100, 1), 1437, 128, 8, 4),
    Stack((64, 100, 100, 1), 1437, 128, 1, 1),
    Stack((64, 100, 100, 1), 1437, 128, 8, 8),
    Stack((50, 256, 1), 5000, 256, 1, 1),
    Stack((50, 256, 1), 5000, 256, 4, 1),
]


def result_of(pool: Executor, timer: Timer) -> float:
    """Call a timer in a pool."""
    return pool.submit(timer).result()


@contextmanager
def in_own_processes(*timers: Timer) -> Iterator[list[Timer]]:
    """Move each timer to a new process, where it is called each time."""
    with ExitStack() as processes:
        spawn = multiprocessing.get_context("spawn")
        pools = [processes.enter_context(ProcessPoolExecutor(1, spawn, quieten)) for _ in timers]
        yield [partial(result_of, *pair) for pair in zip(pools, timers, strict=True)]


def article_grid() -> Fit:
    """Give the article's grid search."""
    X, _, y, _ = article_data()
    clf = NoisyMLPClassifier(**FIXED | {"noise_input": 0}, epochs=EPOCHS, batch_size=None)
    grid = {"nodes": NODES, "noise_hidden": NOISE_LEVELS}
    return partial(GridSearchCV(clf, grid, cv=N_FOLDS).fit, X, y)


def random_search() -> Fit:
    """Give a search as one would make it for a new data set."""
    clf = NoisyMLPClassifier(**FIXED, epochs=SEARCH_EPOCHS, batch_size=32)
    distributions = {
        "noisymlpclassifier__nodes": randint(20, 300),
        "noisymlpclassifier__noise_input": loguniform(0.01, 1),
        "noisymlpclassifier__noise_hidden": loguniform(0.01, 1),
        "noisymlpclassifier__learning_rate": loguniform(1e-4, 1e-2),
    }
    options = {"n_iter": N_CANDIDATES, "cv": N_FOLDS, "random_state": 0}
    search = RandomizedSearchCV(make_pipeline(StandardScaler(), clf), distributions, **options)
    return partial(search.fit, *load_breast_cancer(return_X_y=True))


def search_seconds(make: Callable[[], Fit], backend: str) -> float:
    """Time a search under a backend of joblib, the imports excluded."""
    for name in ("keras", "sknoise.training._stack"):
        import_module(name)
    fit = make()
    with joblib.parallel_config(backend=backend):
        return seconds(fit)


def sklearn_seconds() -> float:
    """Time scikit-learn's grid of as many networks, also on all rows at once."""
    X, _, y, _ = article_data()
    grid = {"hidden_layer_sizes": NODES, "random_state": list(range(len(NOISE_LEVELS)))}

    def fit(epochs: int) -> None:
        # The default batch size is all rows here, in the folds and in the refit.
        GridSearchCV(sklearn_mlp(NODES[0], epochs), grid, cv=N_FOLDS).fit(X, y)

    few, many = SKLEARN_EPOCHS
    shorter, longer = seconds(lambda: fit(few)), seconds(lambda: fit(many))
    return shorter + (longer - shorter) * (EPOCHS - few) / (many - few)


def keras_network(nodes: int) -> Any:
    """Build the article's network with hidden noise."""
    import keras

    dense, noise = keras.layers.Dense, keras.layers.GaussianNoise
    stack = [keras.Input((2,)), dense(nodes), noise(0.1), keras.layers.ReLU()]
    return keras.Sequential([*stack, dense(1, "sigmoid")])


def scikeras_seconds() -> float:
    """Time scikeras on each width of the grid."""
    from scikeras.wrappers import KerasClassifier

    X, _, y, _ = article_data()
    compiled = {"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]}
    clf = KerasClassifier(keras_network, nodes=None, batch_size=len(X), verbose=0, **compiled)

    def fit(nodes: int, epochs: int) -> None:
        clf.set_params(nodes=nodes, epochs=epochs).fit(X, y)

    return float(N_GRID_FITS * np.mean([extrapolated(partial(fit, nodes)) for nodes in NODES]))


def both_ways(make: Callable[[], Fit]) -> list[Timer]:
    """Give the timing of a search under our backend, and of one fit after another."""
    return [partial(search_seconds, make, backend) for backend in ("sknoise", "sequential")]


def print_grid(repeats: int, _: Path) -> None:
    """Print how long the article's grid takes by us and by others."""
    with in_own_processes(*both_ways(article_grid), sklearn_seconds, scikeras_seconds) as timers:
        first, first_plain = medians(1, *timers[:2])
        ours, plain, theirs, keras = medians(repeats, *timers)
    task = f"article's grid: {N_GRID_FITS} fits, {EPOCHS} epochs"
    rows = [
        compared(f"{task}, first", first, "without the backend, first", first_plain, None),
        compared(task, ours, "without the backend", plain, 0.35),
        compared(task, ours, "scikit-learn *", theirs, 0.1),
        compared(task, ours, "scikeras **", keras, 1 / 700),
    ]
    print(table(rows), FOOTNOTE, sep="\n\n")


def print_search(repeats: int, _: Path) -> None:
    """Print how long a realistic search takes with the backend and without."""
    with in_own_processes(*both_ways(random_search)) as (with_backend, without):
        first, first_plain = medians(1, with_backend, without)
        # Without the backend it takes more than a minute, and so is done only once.
        ours, plain = medians(repeats, with_backend, cache(without))
    task = f"random search: {N_CANDIDATES * N_FOLDS + 1} fits, {SEARCH_EPOCHS} epochs"
    rows = [
        compared(f"{task}, first", first, "without the backend, first", first_plain, None),
        compared(task, ours, "without the backend, once", plain, None),
    ]
    print(table(rows))


def tasks_of(stack: Stack, epochs: int = sys.maxsize) -> list[Task]:
    """Make the tasks of a stack: noise of many levels, and on each source other data.

    Networks that share sources have one key, as in a search with an integer random_state.
    """
    network = Network(stack.sizes, "relu", "binary_crossentropy")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((stack.n_sources, stack.n_rows, stack.sizes[0]), np.float32)
    y, weight = np.arange(stack.n_rows) % 2, np.ones(stack.n_rows)
    sources = [distinct_rows(grouped(rows, y, weight)) for rows in X]
    tasks = []
    for i in range(stack.n_networks):
        key = i if stack.n_sources == stack.n_networks else 0
        levels = {Site("hidden", n): 0.01 * (i + 1) for n in range(1, len(stack.sizes) - 1)}
        if stack.noise_input:
            levels[Site("input")] = stack.noise_input
        state = initial_state(network, key)
        model = Model(network, Optimizer("adam"), 0.001, Noise(levels), key, state)
        data, batch_size = sources[i % stack.n_sources], stack.batch_size or sys.maxsize
        tasks.append(Task(model, data, None, batch_size, shuffle=True, epochs=epochs))
    return tasks


def network_times(repeats: int) -> list[list[float]]:
    """Give, for each size of a stack and as SEEDS say, the us that a network and epoch take."""
    from sknoise.training._stack import train_stack

    shapes = [
        Stack((2, 300, 1), 24, None, n, min(n, n_sources), noise_input=0)
        for n in STACK_SIZES
        for n_sources in (n, N_FOLDS)
    ]
    stacks = [tasks_of(shape, EPOCHS) for shape in shapes]
    timers = [lambda tasks=tasks: seconds(lambda: train_stack(tasks)) for tasks in stacks]
    medians(1, *timers)  # They compile.
    times = np.reshape(medians(repeats, *timers), (-1, 2))
    return (times * 1e6 / EPOCHS / np.transpose([STACK_SIZES])).tolist()


def print_sizes(repeats: int, figures: Path) -> None:
    """Print and plot what a network costs in stacks of growing size."""
    times = in_fresh_process(network_times, repeats)
    print("us for a network and epoch: 24 rows, 2-300-1, all rows at once, hidden noise\n")
    print("{:>8}{:>20}{:>20}".format("networks", *SEEDS))
    for line in zip(STACK_SIZES, *zip(*times, strict=True), strict=True):
        print("{:8}{:20.1f}{:20.1f}".format(*line))
    print(f"\nplotted to {plotted(times, figures)}")


def plotted(times: list[list[float]], figures: Path) -> Path:
    """Plot the costs against the stack size; give the path of the figure."""
    from matplotlib.figure import Figure  # Without pyplot, files need no display.

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(STACK_SIZES, times, "o-", label=SEEDS)
    axes.set_xscale("log", base=2)
    axes.set_xticks(STACK_SIZES, map(str, STACK_SIZES))
    axes.set(xlabel="networks in a stack", ylabel="µs for a network and epoch", ylim=(0, None))
    axes.legend()
    figures.mkdir(parents=True, exist_ok=True)
    path = figures / "stack_size.png"
    figure.savefig(path, dpi=150)
    return path


def terms(spec: Spec) -> list[float]:
    """Give what step_seconds multiplies each constant by."""

    def factor(constant: str) -> float:
        with patch.dict(vars(_cost), {name: float(name == constant) for name in CONSTANTS}):
            return _cost.step_seconds(spec)

    return [factor(constant) for constant in CONSTANTS]


def compiled(stack: Stack) -> tuple[list[float], float, Timer]:
    """Compile a stack; give the terms of an epoch, what the first took, and a timer of more."""
    from sknoise.training._inputs import MAX_EPOCHS
    from sknoise.training._stack import _Run

    tasks = tasks_of(stack)
    run = _Run(tasks)
    n_batches = tasks[0].n_batches
    estimate = n_batches * _cost.step_seconds(run._spec)
    n = min(int(CALL_SECONDS / estimate) + 1, MAX_EPOCHS)
    first = seconds(lambda: run.advance(1, never))
    epoch_terms = [n_batches * term for term in terms(run._spec)]
    return epoch_terms, first, lambda: seconds(lambda: run.advance(n, never)) / n


def timed_stacks(repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the terms of an epoch of each stack, the seconds it takes, and those to compile."""
    all_terms, firsts, timers = zip(*map(compiled, STACKS), strict=True)
    medians(1, *timers)
    epochs = np.array(medians(3 * repeats, *timers))  # short, and so disturbed easily
    return np.array(all_terms), epochs, firsts - epochs


def print_constants(repeats: int, _: Path) -> None:
    """Fit the constants of our estimates anew, by least squares of the relative error."""
    all_terms, epochs, compiling = in_fresh_process(timed_stacks, repeats)
    relative = all_terms / epochs[:, None]
    fitted = nnls(relative, np.ones(len(epochs)))[0]
    now = [getattr(_cost, name) for name in CONSTANTS]
    names = (*CONSTANTS, "COMPILE")
    columns = (*fitted, np.median(compiling)), (*now, _cost.COMPILE)
    print(f"{'seconds':14}{'fitted':>10}{'now':>10}")
    for line in zip(names, *columns, strict=True):
        print("{:14}{:10.2g}{:10.2g}".format(*line))
    print("\nestimated / measured, with the constants fitted, and with those now")
    for stack, *ratios in zip(STACKS, relative @ fitted, relative @ now, strict=True):
        print("{:6.2f}{:6.2f}".format(*ratios), stack, sep="  ")


PARTS = {
    "grid": print_grid,
    "search": print_search,
    "size": print_sizes,
    "constants": print_constants,
}


def main() -> None:
    """Print a header, and part after part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="of each time (default: 3)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    figures = Path(__file__).parents[1] / "figures"
    parser.add_argument("--figures", type=Path, default=figures, help="folder for the plot")
    options = parser.parse_args()
    quieten()
    print(f"Python {platform.python_version()}, sknoise {__version__}, ", end="")
    print(f"{joblib.cpu_count()} cores, medians of {options.repeats} repeats", flush=True)
    for part in options.parts:
        print(f"\n{part}\n", flush=True)
        PARTS[part](options.repeats, options.figures)


if __name__ == "__main__":
    main()
