"""Intervals of the regressor: how much they hold, and how wide they are beside MAPIE's.

Run: python -m benchmarks.real.intervals --splits 17

On the regression sets of both groups, or those of one, at their splits. MAPIE's CV+ trains the
network that was chosen on the same folds, once more.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.model_selection import PredefinedSplit

from benchmarks.processes import quieten
from benchmarks.real import results, sets
from benchmarks.real.sources import CHOOSE, JUDGE, REGRESSION

RESULTS = Path(__file__).parent / "intervals.jsonl"
COVERAGE = 0.9


def scores(lower: np.ndarray, upper: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Give how many targets intervals hold, and their mean width in standard deviations."""
    inside = (lower <= y) & (y <= upper)
    return {"coverage": float(inside.mean()), "width": float((upper - lower).mean() / y.std())}


def of_mapie(model: Any, part: sets.Split) -> dict[str, float]:
    """Give the scores of MAPIE's CV+ for the network that a model has chosen, on its folds."""
    from mapie.regression import CrossConformalRegressor

    from sknoise import NoisyMLPRegressor

    network = NoisyMLPRegressor(**model.best_params_, random_state=model.random_state)
    number = np.empty(len(part.y_train), dtype=np.int64)
    for k, (_, test) in enumerate(model.folds_):
        number[test] = k
    mapie = CrossConformalRegressor(
        network, confidence_level=COVERAGE, cv=PredefinedSplit(number), method="plus"
    )
    mapie.fit_conformalize(part.X_train, part.y_train)
    _, bounds = mapie.predict_interval(part.X_test)
    return scores(bounds[:, 0, 0], bounds[:, 1, 0], part.y_test)


def main() -> None:
    """Fit what is left, and print means over splits."""
    from sknoise import NoisyMLPRegressorCV

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splits", type=int, default=17, help="of each set (default: 17)")
    parser.add_argument("--mapie", type=int, default=2, help="splits with MAPIE too (default: 2)")
    parser.add_argument("--group", choices=[CHOOSE, JUDGE], default=CHOOSE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    done = set(results.load(asked.out))
    names = sets.names(REGRESSION, asked.group)
    for name in track(names, disable=not sys.stdout.isatty()):
        data = sets.read(name)
        for split in range(asked.splits):
            if (name, "sknoise", split) in done:
                continue
            part = sets.split(data, split)
            model = NoisyMLPRegressorCV(random_state=split).fit(part.X_train, part.y_train)
            lower, upper = model.predict_interval(part.X_test, COVERAGE)
            found = {"sknoise": scores(lower, upper, part.y_test)}
            if split < asked.mapie:
                found["MAPIE"] = of_mapie(model, part)
            for model_name, row in reversed(found.items()):
                key = {"set": name, "task": REGRESSION, "split": split, "model": model_name}
                results.append(asked.out, {**key, **row})
    rows = pd.DataFrame([row for row in results.load(asked.out).values() if row["set"] in names])
    print(rows.groupby(["set", "model"])[["coverage", "width"]].mean().unstack().to_string())
    print(rows.groupby("model")[["coverage", "width"]].agg(["mean", "count"]).to_string())
    both = rows.pivot_table(index=["set", "split"], columns="model", values="width").dropna()
    if len(both):
        print("width / MAPIE's, both fitted:", round((both["sknoise"] / both["MAPIE"]).mean(), 3))


if __name__ == "__main__":
    quieten()
    warnings.simplefilter("ignore")
    main()
