"""The choice of candidate and length, on made losses."""

from itertools import pairwise

import numpy as np
import pytest

from sknoise.selection._choice import best_candidate, best_lengths, extended, tried_epochs

NOISES = [(0.0, 0.0), (0.1, 0.0), (0.3, 0.0)]


@pytest.mark.parametrize("n_epochs", [1, 2, 7, 60, 116, 5000])
def test_lengths_rise_to_all_epochs(n_epochs):
    lengths = tried_epochs(n_epochs)
    assert lengths[-1] == n_epochs
    assert lengths[0] == max(1, round(n_epochs / 64))
    assert list(lengths) == sorted(lengths)
    longer = [n for n in lengths if n >= 10]
    assert all(b / a < 1.35 for a, b in pairwise(longer))


def test_all_folds_have_as_many_lengths():
    assert len({len(tried_epochs(n)) for n in range(1, 300)}) == 1


def test_a_curve_that_ends_early_stays_where_it_was():
    assert extended(np.array([3.0, 1.0, 2.0]), 5).tolist() == [3, 1, 2, 2, 2]
    assert extended(np.array([3.0, 1.0, 2.0]), 2).tolist() == [3, 1]


def test_what_has_diverged_never_wins_again():
    curve = extended(np.array([3.0, np.nan, 0.5]), 4)
    assert curve.tolist() == [3, np.inf, np.inf, np.inf]


def test_the_length_is_that_of_the_weighted_mean():
    losses = np.array([[[1.0, 3.0], [4.0, 1.0]]])
    # Means of (1, 4) and (3, 1): the second, but not where the first fold counts thrice.
    assert best_lengths(losses, np.array([1.0, 1.0])).tolist() == [1]
    assert best_lengths(losses, np.array([3.0, 1.0])).tolist() == [0]


def test_the_best_mean_wins():
    losses = np.array([[1.0, 1.2], [0.9, 1.0], [1.0, 1.0]])
    assert best_candidate(losses, np.ones(2), NOISES, least_noise=False) == 1


def test_the_least_noise_within_a_standard_error():
    # The best is 1.0 with standard error 0.1.
    losses = np.array([[1.15, 1.15, 1.15], [1.05, 1.05, 1.05], [0.8267949, 1.0, 1.1732051]])
    assert best_candidate(losses, np.ones(3), NOISES, least_noise=True) == 1
    losses[0] -= 0.06
    assert best_candidate(losses, np.ones(3), NOISES, least_noise=True) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_candidate_that_diverged_on_a_fold_is_not_chosen(bad):
    losses = np.array([[bad, 0.1], [0.9, 1.0], [1.0, 1.0]])
    assert best_candidate(losses, np.ones(2), NOISES, least_noise=False) == 1
    assert best_candidate(losses, np.ones(2), NOISES, least_noise=True) in (1, 2)


def test_an_error_if_all_have_diverged():
    with pytest.raises(ValueError, match="diverged with all candidates"):
        best_candidate(np.full((3, 2), np.nan), np.ones(2), NOISES, least_noise=False)
