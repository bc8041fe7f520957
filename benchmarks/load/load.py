"""Put the estimators under load, by: python -m benchmarks.load.load; half an hour on two cores.

Prints, part by part: memory over many fits of mixed shapes; threads that fit and predict at once;
processes that are started after a fit; the memory of a large fit; how soon Ctrl-C ends fits; and
what a row costs as rows, nodes, layers and networks of a stack grow.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import psutil

from benchmarks.processes import in_fresh_process, quieten, resident_mib, seconds
from benchmarks.speed.peers import FIXED
from benchmarks.speed.stacks import Stack, tasks_of
from sknoise import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.training._cache import cached_programs

N_THREADS, N_PROCESSES, N_FITTING = 8, 50, 4
LARGE = 1_000_000, 100


def n_maps() -> int:
    """Give the number of this process's memory maps, of which Linux allows 65,530."""
    return len(psutil.Process().memory_maps(grouped=False))


def random_fit(rng: np.random.Generator) -> None:
    """Fit a network of any shape to a few rows."""
    X = rng.normal(size=(rng.integers(10, 200), rng.integers(1, 20)))
    sites = ["noise_input", "noise_hidden", "noise_activation", "noise_weights", "dropout"]
    options = FIXED | {site: 0.1 for site in sites if rng.random() < 0.4}
    options["nodes"] = rng.integers(1, 60, size=rng.integers(1, 3)).tolist()
    options["batch_size"] = int(rng.choice([8, 32, 10**6]))
    options["epochs"] = 2
    if rng.random() < 0.5:
        NoisyMLPRegressor(**options).fit(X, X[:, 0]).predict(X)
    else:
        y = np.arange(len(X)) % rng.integers(2, 5)
        NoisyMLPClassifier(**options).fit(X, y).predict(X)


def print_fits(n_fits: int) -> None:
    """Fit many shapes in one process: its memory and memory maps must cease to grow."""
    print(f"{n_fits} fits of mixed shapes: fits, MiB resident, memory maps, programs in the cache")
    rng = np.random.default_rng(0)
    for i in range(1, n_fits + 1):
        # Each shape some three times, others in between: programs are made, found and dropped.
        random_fit(np.random.default_rng(i // 3 + rng.integers(20)))
        if i % max(n_fits // 10, 1) == 0:
            print(
                f"{i:6} {resident_mib():8.0f} {n_maps():8} {len(cached_programs()):4}", flush=True
            )


def print_threads() -> None:
    """Fit and predict in several threads at once, each another shape, and compare with alone."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 5)), np.arange(200) % 2

    def probabilities(i: int) -> np.ndarray:
        nodes = 10 + i % (N_THREADS // 2)  # Two threads share a program.
        clf = NoisyMLPClassifier(nodes, **FIXED | {"random_state": i}, epochs=50, batch_size=16)
        return np.array([clf.fit(X, y).predict_proba(X) for _ in range(5)])

    with ThreadPoolExecutor(N_THREADS) as pool:
        together = list(pool.map(probabilities, range(N_THREADS)))
    alone = map(probabilities, range(N_THREADS))
    same = sum(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))
    print(
        f"{N_THREADS} threads at once, 5 fits each: {same} of {N_THREADS} give the bits of alone"
    )


def answer(clf: NoisyMLPClassifier, X: np.ndarray, fits: bool) -> tuple[np.ndarray, str]:
    """Predict, and say what a fit ends with."""
    p = clf.predict_proba(X)
    try:
        refitted = clf.fit(X, np.arange(len(X)) % 2).predict_proba(X) if fits else p
    except RuntimeError:
        return p, "clear error"
    return p, "same bits" if np.array_equal(refitted, p) else "other bits"


def print_processes() -> None:
    """Start processes after a fit, and fit and predict in them."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    clf = NoisyMLPClassifier(5, **FIXED, epochs=5, batch_size=4).fit(X, np.arange(50) % 2)
    p = clf.predict_proba(X)
    for method, n_fitting in (("fork", N_PROCESSES), ("spawn", N_FITTING)):
        context = multiprocessing.get_context(method)
        with context.Pool(5, maxtasksperchild=1) as pool:
            fits = [(clf, X, i < n_fitting) for i in range(N_PROCESSES)]
            answers = pool.starmap(answer, fits, chunksize=1)
        same = sum(np.array_equal(p, there) for there, _ in answers)
        fitted = sorted({end for _, end in answers[:n_fitting]})
        print(
            f"{method}: {N_PROCESSES} processes, {same} predict the same bits; "
            f"{n_fitting} fit: {', '.join(fitted)}"
        )


@contextmanager
def peak_resident() -> Iterator[list[int]]:
    """Watch this process's memory; give a list that ends with its peak, in bytes."""
    process, peak, done = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield peak
    done.set()
    watcher.join()


def print_large() -> None:
    """Fit and predict many rows: what the process grows by, in units of the data's size."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=LARGE).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    clf = NoisyMLPClassifier(100, **FIXED, epochs=2, batch_size=256)
    clf.fit(X[:1000], y[:1000]).predict_proba(X[:1000])
    before = psutil.Process().memory_info().rss
    calls = {"fit": lambda: clf.fit(X, y), "predict_proba": lambda: clf.predict_proba(X)}
    for name, call in calls.items():
        with peak_resident() as peak:
            time_taken = seconds(call)
        grown = (peak[0] - before) / X.nbytes
        print(f"{name} of {LARGE[0]:,} x {LARGE[1]}: {time_taken:.1f} s, {grown:.1f} x the data")


def print_interrupts() -> None:
    """Press Ctrl-C in fits: how soon they return, and with how many epochs."""
    # A shell that starts this in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore", UserWarning)
    rng = np.random.default_rng(0)
    X = rng.normal(size=LARGE).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    print("Ctrl-C in a fit: seconds until it returns, epochs done")
    NoisyMLPClassifier(7, **FIXED, epochs=1).fit(X[:50], y[:50])  # Imports TensorFlow.
    fits: dict[str, tuple[int, int, float, dict[str, Any]]] = {
        "while it compiles": (100, 8, 0.5, {"nodes": 50}),
        "200 rows": (200, 16, 3, {"nodes": 50}),
        "200 rows, Keras's loop": (200, 16, 10, {"nodes": 50, "engine": "keras"}),
        "Keras's loop compiles": (200, 16, 0.4, {"nodes": 70, "engine": "keras"}),
        "Keras's loop, 2000-2000": (8000, 256, 15, {"nodes": (2000, 2000), "engine": "keras"}),
        "10,000 rows": (10_000, 256, 5, {}),
        f"{LARGE[0]:,} rows": (LARGE[0], 256, 20, {}),
    }
    for name, (n_rows, batch_size, after, options) in fits.items():
        clf = NoisyMLPClassifier(**FIXED, **options, epochs=10**7, batch_size=batch_size)
        pressed: list[float] = []

        def press(pressed: list[float] = pressed) -> None:
            pressed.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(after, press)
        timer.start()
        clf.fit(X[:n_rows], y[:n_rows])
        returned = time.perf_counter()
        print(f"{name:24} {returned - pressed[0]:6.2f} {clf.n_iter_:8,}", flush=True)


def epoch_seconds(stack: Stack) -> float:
    """Time an epoch of a stack that is compiled already."""
    from sknoise.training._stack import train_stack

    def taken(epochs: int) -> float:
        tasks = tasks_of(stack, epochs)
        return seconds(lambda: train_stack(tasks))

    taken(1)
    # As many that the difference is above the noise of the machine.
    n = max(1, int(0.3 / max(taken(2) - taken(1), 1e-3)))
    return float(np.median([(taken(3 * n) - taken(n)) / (2 * n) for _ in range(3)]))


def print_costs() -> None:
    """Time what grows: ten times as much is to take at most ten times as long, and a bit."""
    sizes = (20, 100, 1)
    parts: dict[str, list[tuple[int, Stack]]] = {
        "rows": [(n, Stack(sizes, n, 256, 1, 1)) for n in (10**3, 10**4, 10**5, 10**6)],
        "nodes": [(n, Stack((20, n, 1), 1000, 256, 1, 1)) for n in (10, 100, 1000, 10_000)],
        "hidden layers": [
            (n, Stack((20, *[100] * n, 1), 1000, 256, 1, 1)) for n in (1, 2, 4, 8, 16)
        ],
        "networks": [(n, Stack(sizes, 1000, 256, n, 1)) for n in (1, 10, 100, 1000)],
    }
    print("us for a row and epoch, and how the epoch's time grows from the line above")
    for what, stacks in parts.items():
        before: tuple[int, float] | None = None
        for n, stack in stacks:
            epoch = epoch_seconds(stack)
            text = f"{n:>10,} {what:14} {epoch / stack.n_rows * 1e6:10.2f}"
            if before is not None:
                text += f"   x{epoch / before[1]:.1f} for x{n / before[0]:.0f}"
            print(text, flush=True)
            before = n, epoch


def main() -> None:
    """Print the parts that are asked for."""
    parts: dict[str, Callable[..., None]] = {
        "fits": print_fits,
        "threads": print_threads,
        "processes": print_processes,
        "large": print_large,
        "interrupts": print_interrupts,
        "costs": print_costs,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="default: all")
    parser.add_argument("--fits", type=int, default=2000, help="of mixed shapes (default: 2000)")
    arguments = parser.parse_args()
    quieten()
    for name in arguments.parts or parts:
        in_fresh_process(parts[name], *([arguments.fits] if name == "fits" else []))
        print(flush=True)


if __name__ == "__main__":
    main()
