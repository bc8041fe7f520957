"""Time our classifier beside scikit-learn and Keras.

Run: python -m benchmarks.speed.peers --repeats 5

Prints one table, of medians over repeats that are taken alternately: ours, the peer's, ours,
and so on. Each result is ours / peer, with its target beside. Takes some three minutes.
"""

from __future__ import annotations

import argparse
import importlib
import pickle
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import joblib
import numpy as np
from sklearn.datasets import load_digits, make_circles, make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from benchmarks.processes import in_fresh_process, quieten, resident_mib, seconds
from sknoise import NoisyMLPClassifier, __version__
from sknoise.training._cache import cached_programs

# TensorFlow is imported late: fresh processes import this file too, and one must do without.

EPOCHS = 5000
# Keras would take minutes: it is timed over some epochs, after some to warm up.
KERAS_EPOCHS, KERAS_WARM_UP = 100, 2
N_PROCESSES, N_IMPORTS, N_FITS = 3, 7, 200
# Tables of several versions can be compared: they do not follow the defaults.
FIXED: dict[str, Any] = {"noise_input": 0.1, "noise_hidden": 0.1, "alpha": 0, "random_state": 0}

FOOTNOTE = f"""* Extrapolated from the {KERAS_EPOCHS} epochs by which two fits differ.
  Each fit builds and traces its model anew; that is left out so."""


class Row(NamedTuple):
    """A line of the table."""

    task: str
    ours: str = ""
    peer: str = ""
    theirs: str = ""
    result: str = ""
    target: str = ""
    verdict: str = ""

    def judged(self, target: str, met: bool) -> Row:
        """Give the row with a target and whether it is met."""
        return self._replace(target=target, verdict="met" if met else "missed")


def as_time(duration: float) -> str:
    """Write seconds with three digits, in a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if duration >= size:
            return f"{duration / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{duration * 1e6:.0f} us"


def as_ratio(ratio: float) -> str:
    """Write a ratio, a small one as a fraction."""
    return f"{ratio:.2f}" if ratio > 0.02 else f"1/{1 / ratio:.0f}"


def compared(task: str, ours: float, peer: str, theirs: float, target: float | None) -> Row:
    """Compare two times; the target is one for ours / theirs."""
    ratio = ours / theirs
    row = Row(task, as_time(ours), peer, as_time(theirs), as_ratio(ratio))
    return row if target is None else row.judged(f"<= {as_ratio(target)}", ratio <= target)


def medians(repeats: int, *timers: Callable[[], float]) -> list[float]:
    """Ask all timers in turn, repeatedly; give the median of each."""
    return np.median([[timer() for timer in timers] for _ in range(repeats)], axis=0).tolist()


def fit_medians(repeats: int, X: np.ndarray, y: np.ndarray, *classifiers: Any) -> list[float]:
    """Time fits in turn, after one of each, because our first compiles."""
    timers = [lambda clf=clf: seconds(lambda: clf.fit(X, y)) for clf in classifiers]
    medians(1, *timers)
    return medians(repeats, *timers)


def sklearn_mlp(nodes: int, epochs: int, batch_size: int | str = "auto") -> MLPClassifier:
    """Give scikit-learn's network, which has no noise, set to do all its epochs."""
    all_epochs = {"max_iter": epochs, "tol": 0, "n_iter_no_change": epochs}
    return MLPClassifier(nodes, batch_size=batch_size, random_state=0, **all_epochs)


def article_data() -> list[np.ndarray]:
    """Give X_train, X_test, y_train, y_test: 30 rows to train on, 70 to validate."""
    X, y = make_circles(100, noise=0.1, random_state=1)
    return train_test_split(X, y, test_size=0.7, random_state=42)


def article_fit(engine: str, epochs: int) -> None:
    """Fit the article's network by one of our engines."""
    X, X_val, y, y_val = article_data()
    clf = NoisyMLPClassifier(400, **FIXED, batch_size=None, epochs=epochs, engine=engine)
    clf.fit(X, y, X_val=X_val, y_val=y_val)


def plain_keras_fit(epochs: int) -> None:
    """Fit the article's network as one would by hand in Keras."""
    import keras

    X, X_val, y, y_val = article_data()
    noise, dense = keras.layers.GaussianNoise, keras.layers.Dense
    stack = [noise(0.1), dense(400), noise(0.1), keras.layers.ReLU(), dense(1, "sigmoid")]
    model = keras.Sequential(stack)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    # Validation in one step too, as ours: three steps of 30 rows would slow Keras down.
    options = {"validation_data": (X_val, y_val), "validation_batch_size": len(X_val)}
    model.fit(X, y, batch_size=len(X), epochs=epochs, verbose=0, **options)


def extrapolated(fit: Callable[[int], None]) -> float:
    """Time a fit by Keras of all epochs, less the building of its model; NaN if that drowns it."""
    fit(1)  # JAX compiles for each new shape, and keeps that.
    warm_up = seconds(lambda: fit(KERAS_WARM_UP))
    longer = seconds(lambda: fit(KERAS_WARM_UP + KERAS_EPOCHS))
    return (longer - warm_up) * EPOCHS / KERAS_EPOCHS if longer > warm_up else np.nan


def article_rows(repeats: int) -> list[Row]:
    """Time the article's fit, from the second call on."""
    X, _, y, _ = article_data()
    article_fit("compiled", EPOCHS)
    ours, theirs, engine, plain = medians(
        repeats,
        lambda: seconds(lambda: article_fit("compiled", EPOCHS)),
        lambda: seconds(lambda: sklearn_mlp(400, EPOCHS).fit(X, y)),
        lambda: extrapolated(lambda epochs: article_fit("keras", epochs)),
        lambda: extrapolated(plain_keras_fit),
    )
    task = f"article's fit: 30 rows, 400 nodes, {EPOCHS} epochs"
    return [
        compared(task, ours, "scikit-learn, no validation", theirs, 0.35),
        compared(task, ours, "engine='keras' *", engine, 1 / 300),
        compared(task, ours, "plain Keras model.fit *", plain, None),
    ]


def first_and_second_fit() -> list[float]:
    """Time the article's fit twice in this process, the imports excluded."""
    modules = "tensorflow keras scikeras.wrappers sknoise.keras._wrapper sknoise.training._stack"
    for name in modules.split():
        importlib.import_module(name)
    return [seconds(lambda: article_fit("compiled", EPOCHS)) for _ in range(2)]


def first_call_rows() -> list[Row]:
    """Time the first call in fresh processes, compilation included."""
    times = [in_fresh_process(first_and_second_fit) for _ in range(N_PROCESSES)]
    first, second = np.median(times, axis=0).tolist()
    return [compared("the same, first call in a process", first, "second call", second, 3)]


def default_rows(repeats: int) -> list[Row]:
    """Time fits by both defaults, from the second call on."""
    X, y = make_classification(400, random_state=0)
    classifiers = NoisyMLPClassifier(random_state=0), MLPClassifier(random_state=0)
    ours, theirs = fit_medians(repeats, X, y, *classifiers)
    return [compared("a default fit: 400 rows, 20 features", ours, "scikit-learn", theirs, None)]


def digits_rows(repeats: int) -> list[Row]:
    """Time fits of the digits, and predictions of few rows and of many."""
    X, y = load_digits(return_X_y=True)
    X /= 16
    clf = NoisyMLPClassifier(100, **FIXED, batch_size=32, epochs=20)
    classifiers = (clf, sklearn_mlp(100, 20, batch_size=32))
    ours, theirs = fit_medians(repeats, X, y, *classifiers)
    rows = [compared("digits, 64-100-10, 20 epochs", ours, "scikit-learn", theirs, 0.95)]
    for n in (1, 100, 10_000):
        some = np.resize(X, (n, X.shape[1]))
        timers = [lambda c=clf, X=some: seconds(lambda: c.predict_proba(X)) for clf in classifiers]
        ours, theirs = medians(40 * repeats, *timers)  # short, and so disturbed easily
        rows.append(compared(f"predict_proba, rows: {n:,}", ours, "scikit-learn", theirs, 1.1))
    return rows


def large_rows(repeats: int) -> list[Row]:
    """Time fits of many rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50_000, 50))
    y = X @ rng.standard_normal(50) + rng.standard_normal(len(X)) > 0
    clf = NoisyMLPClassifier(256, **FIXED, batch_size=256, epochs=5)
    ours, theirs = fit_medians(repeats, X, y, clf, sklearn_mlp(256, 5, batch_size=256))
    return [compared("50,000 x 50, 256 nodes, 5 epochs", ours, "scikit-learn", theirs, 0.65)]


def import_seconds(statement: str) -> float:
    """Time a new Python that does one import."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", statement], check=True))


def predicts_lightly(pickled: bytes) -> bool:
    """Unpickle a classifier and predict; tell whether that has imported no heavy library."""
    clf = pickle.loads(pickled)
    clf.predict(np.zeros((1, clf.n_features_in_)))
    return not {"tensorflow", "keras"} & set(sys.modules)


def import_rows() -> list[Row]:
    """Time imports, and look for what predictions import."""
    ours, theirs = medians(
        N_IMPORTS,
        lambda: import_seconds("from sknoise import NoisyMLPClassifier"),
        lambda: import_seconds("from sklearn.neural_network import MLPClassifier"),
    )
    X, _, y, _ = article_data()
    pickled = pickle.dumps(NoisyMLPClassifier(**FIXED, epochs=1).fit(X, y))
    lightly = in_fresh_process(predicts_lightly, pickled)
    unpickled = Row("unpickled, predicts without TensorFlow", result="yes" if lightly else "no")
    imported = compared("import of the classifier", ours, "scikit-learn", theirs, 1.2)
    return [imported, unpickled.judged("yes", lightly)]


def many_fits_rows() -> list[Row]:
    """Fit one shape many times: memory does not grow after fit 10, nor traces after fit 1."""
    rng = np.random.default_rng(0)
    memory, traces = [], []
    for i in range(N_FITS):
        X = rng.standard_normal((30, 2))
        options = FIXED | {"batch_size": 4, "epochs": 20, "random_state": i}
        NoisyMLPClassifier(**options).fit(X, np.arange(30) % 2)
        memory.append(resident_mib() if i in (9, N_FITS - 1) else 0)
        traces.append(sum(program.n_traces for program in cached_programs()))
    before, after, new = memory[9], memory[-1], traces[-1] - traces[0]
    grown = after - before
    task = f"{N_FITS} fits of one shape, "
    cells = (f"{after:.0f} MiB", "after 10", f"{before:.0f} MiB", f"{grown:+.1f} MiB")
    memory_row = Row(task + "memory", *cells).judged("< 5 MiB", grown < 5)
    return [memory_row, Row(task + "new traces", result=str(new)).judged("0", new == 0)]


def table(rows: list[Row]) -> str:
    """Align rows under titles."""
    titles = Row("task", "ours", "peer", "peer's", "result", "target")
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    sides = "<><>><<"
    lines = []
    for row in (titles, *rows):
        cells = zip(row, sides, widths, strict=True)
        lines.append("  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip())
    return "\n".join(lines)


def main() -> None:
    """Print header, table and the count of met and missed targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="of each time (default: 5)")
    repeats = parser.parse_args().repeats
    quieten()
    print(f"Python {platform.python_version()}, sknoise {__version__}", end="")
    for name in ("numpy", "scikit-learn", "tensorflow", "keras", "scikeras"):
        print(f", {name} {version(name)}", end="")
    print(f"\n{joblib.cpu_count()} cores, medians of {repeats} repeats\n", flush=True)
    rows = in_fresh_process(article_rows, repeats) + first_call_rows()
    rows += in_fresh_process(default_rows, repeats)
    rows += in_fresh_process(digits_rows, repeats) + in_fresh_process(large_rows, repeats)
    rows += import_rows() + in_fresh_process(many_fits_rows)
    print(table(rows), FOOTNOTE, sep="\n\n")
    verdicts = [row.verdict for row in rows]
    print(f"\n{verdicts.count('met')} met, {verdicts.count('missed')} missed")


if __name__ == "__main__":
    main()
