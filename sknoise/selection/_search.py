"""The search: all candidates on all folds at once, and what their losses were after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy.stats import rankdata

from sknoise.selection._choice import best_candidate, best_lengths, extended, tried_epochs
from sknoise.selection._networks import Member, at_snapshot, fitted, train_members


class Search:
    """All candidates trained on all folds, each for all lengths.

    A length is a fraction of the epochs of a network; where folds are of one size, it is a number
    of epochs.

    Parameters
    ----------
    members : sequence of sequence of Member
        The networks of each candidate, one for each fold, the same folds for all.
    weights : ndarray of shape (n_folds,)
        Of the rows that they are judged on.
    scales : ndarray of shape (n_folds,)
        What turns the losses of a fold into units of all folds.

    Attributes
    ----------
    weights : ndarray of shape (n_folds,)
        Those given.
    losses : ndarray of shape (n_candidates, n_folds)
        Of each candidate at its best length; NaN where it diverged before.
    n_epochs : ndarray of shape (n_candidates,), of integers
        That length, as epochs of the fold that has most.
    """

    def __init__(
        self, members: Sequence[Sequence[Member]], weights: np.ndarray, scales: np.ndarray
    ) -> None:
        self.weights = weights
        epochs = [tried_epochs(member.task.epochs) for member in members[0]]
        self._members = [
            [member.watched(of_fold) for member, of_fold in zip(of_one, epochs, strict=True)]
            for of_one in members
        ]
        trained = iter(train_members(list(chain.from_iterable(self._members)), len(epochs)))
        self._trained = [[next(trained) for _ in of_one] for of_one in members]
        tried = np.array(
            [
                [
                    scale * extended(network.history["val_loss"], n[-1])[np.array(n) - 1]
                    for network, n, scale in zip(of_one, epochs, scales, strict=True)
                ]
                for of_one in self._trained
            ]
        )
        self._lengths = best_lengths(tried, weights)
        losses = np.take_along_axis(tried, self._lengths[:, None, None], axis=2)[..., 0]
        self.losses = np.where(np.isfinite(losses), losses, np.nan)
        self.n_epochs = np.max(epochs, axis=0)[self._lengths]
        # Of folds that differ in their epochs, as far as all have some.
        shortest = min(n[-1] for n in epochs)
        self._figures = {
            name: np.array(
                [
                    [extended(network.history[name], shortest) for network in of_one]
                    for of_one in self._trained
                ]
            )
            * (scales[:, None] if name.endswith("loss") else 1)
            for name in self._trained[0][0].history
        }

    def best(
        self, scores: np.ndarray, noises: Sequence[tuple[float, ...]], least_noise: bool
    ) -> int:
        """Choose a candidate; see ``best_candidate``."""
        return best_candidate(-scores, self.weights, noises, least_noise)

    def networks(self, candidate: int) -> list[Any]:
        """Give the networks of a candidate, fitted as they were at its best length."""
        length = int(self._lengths[candidate])
        pairs = zip(self._members[candidate], self._trained[candidate], strict=True)
        return [fitted(member, at_snapshot(member, trained, length)) for member, trained in pairs]

    def history(self, candidate: int) -> dict[str, np.ndarray]:
        """Give the figures of a candidate, means over the folds, for all epochs."""
        return {
            name: np.average(figure[candidate], axis=0, weights=self.weights)
            for name, figure in self._figures.items()
        }

    def results(
        self, candidates: Sequence[dict[str, float]], scores: np.ndarray
    ) -> dict[str, Any]:
        """Tell all of it, in the form of scikit-learn's searches.

        Parameters
        ----------
        candidates : sequence of dict
            Their parameters.
        scores : ndarray of shape (n_candidates, n_folds)

        Returns
        -------
        dict
        """
        mean = np.average(scores, axis=1, weights=self.weights)
        spread = np.average((scores - mean[:, None]) ** 2, axis=1, weights=self.weights) ** 0.5
        # The worst rank where there is no score.
        rank = rankdata(-np.where(np.isnan(mean), -np.inf, mean), method="min").astype(np.int32)
        return {
            "params": list(candidates),
            **{f"param_{name}": np.array([c[name] for c in candidates]) for name in candidates[0]},
            **{f"split{k}_test_score": column for k, column in enumerate(scores.T)},
            "mean_test_score": mean,
            "std_test_score": spread,
            "rank_test_score": rank,
            "n_iter": self.n_epochs,
            "loss_curves": self._figures["val_loss"],
        }
