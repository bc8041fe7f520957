"""Time noise curves of breast_cancer, compilation included.

Run: python -m benchmarks.speed.noise_curve

8 levels x 50 splits x 200 epochs of 400 nodes behind a StandardScaler: noise in the input, beside
hidden noise of 0.1, and in the input or the hidden layer; at that length, and each level at its
own best. Each curve is measured in a process of its own, after TensorFlow is imported. The target,
for one place at one length, is 60 s on two cores; all lengths, up to twice that one, may take 2 to
3 times as long.
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any

from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.processes import in_fresh_process
from sknoise import NoiseCurve, NoisyMLPClassifier, noise_curve

PLACES = {"input": ("noise_input",), "input, hidden": ("noise_input", "noise_hidden")}
LENGTHS = {"one": None, "best": "auto"}
NETWORK: dict[str, Any] = {
    "nodes": 400,
    "noise_hidden": 0.1,
    "alpha": 0,
    "epochs": 200,
    "batch_size": 32,
}


def timed_curve(param_names: tuple[str, ...], lengths: str | None) -> tuple[float, NoiseCurve]:
    """Measure a curve; give the seconds, and the curve."""
    import tensorflow  # noqa: F401

    X, y = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), NoisyMLPClassifier(**NETWORK))
    start = time.perf_counter()
    curve = noise_curve(pipeline, X, y, param_names=param_names, lengths=lengths, random_state=0)
    return time.perf_counter() - start, curve


def main() -> None:
    """Print a line for each number of places and lengths, and its verdict."""
    for (place, param_names), (length, lengths) in product(PLACES.items(), LENGTHS.items()):
        seconds, curve = in_fresh_process(timed_curve, param_names, lengths)
        n_fits = curve.seeds.size * (1 + len(param_names) * (curve.noise_levels.size - 1))
        what = f"{place:14s} {length:5s} {n_fits} fits"
        print(f"{what}  {seconds:5.1f} s  {curve.helps}", flush=True)


if __name__ == "__main__":
    main()
