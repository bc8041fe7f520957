"""How far a search under the backend is from the same search without it, on real data.

Run: python -m benchmarks.numbers.stacked [NAME ...]

Four candidates on five folds of the training rows of a real set, with the default length of
training and with 200 epochs without a penalty: the differences of the folds' log-losses, and
whether another candidate was the best.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from benchmarks.processes import quieten
from benchmarks.real import sets
from sknoise import NoisyMLPClassifier

SETS = (
    "bupa",
    "german",
    "glass",
    "haberman",
    "ionosphere",
    "sonar",
    "vehicle",
    "wisconsin",
    "zoo",
)
GRID = {"noise_input": [0, 0.1, 0.3, 1]}
NETWORKS = {
    "default": NoisyMLPClassifier(random_state=0),
    "200 epochs": NoisyMLPClassifier(epochs=200, alpha=0, random_state=0),
}


def losses(search: Any) -> np.ndarray:
    """Give the folds' log-losses of each candidate."""
    results = search.cv_results_
    return -np.array([results[f"split{k}_test_score"] for k in range(search.n_splits_)])


def main(names: list[str]) -> None:
    """Search each set both ways, and print a line for each network."""
    for title, network in NETWORKS.items():
        differences, same_best = [], 0
        for name in names:
            part = sets.split(sets.read(name), 0)
            search = GridSearchCV(network, GRID, scoring="neg_log_loss", refit=False)
            alone = clone(search).fit(part.X_train, part.y_train)
            with joblib.parallel_config(backend="sknoise"):
                stacked = clone(search).fit(part.X_train, part.y_train)
            differences.append(np.abs(losses(alone) - losses(stacked)).ravel())
            same_best += alone.best_index_ == stacked.best_index_
        all_of_them = np.concatenate(differences)
        print(
            f"{title}: {len(all_of_them)} fits, same best candidate on {same_best} of "
            f"{len(names)} sets; differences of the log-loss above 1e-6: "
            f"{(all_of_them > 1e-6).mean():.0%}, above 1e-3: {(all_of_them > 1e-3).mean():.0%}; "
            f"median {np.median(all_of_them):.1g}, largest {all_of_them.max():.2g}",
            flush=True,
        )


if __name__ == "__main__":
    quieten()
    warnings.simplefilter("ignore")
    main(sys.argv[1:] or list(SETS))
