"""Folds: shuffled, stratified, weighted, and those that cannot be used."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, ShuffleSplit, TimeSeriesSplit

from sknoise.selection._folds import make_folds

X = np.arange(60.0).reshape(30, 2)
Y = np.repeat([0, 1, 2], 10)
ONES = np.ones(30)


def folds(cv=None, y=Y, classifies=True, weight=ONES, seed=0, **params):
    return make_folds(cv, classifies, X, y, weight, params, seed)


def test_five_shuffled_and_stratified_folds():
    made = folds()
    assert len(made) == 5
    assert np.array_equal(np.sort(np.concatenate([test for _, test in made])), np.arange(30))
    for train, test in made:
        assert not set(train) & set(test)
        assert np.bincount(Y[test]).tolist() == [2, 2, 2]
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(made, folds(seed=1), strict=True))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(made, folds(), strict=True))


def test_targets_and_several_labels_are_not_stratified():
    for y in (np.linspace(0, 1, 30), np.eye(3)[Y]):
        made = folds(3, y, classifies=y.ndim == 2)
        assert [len(test) for _, test in made] == [10, 10, 10]


def test_a_splitter_is_asked_as_it_is():
    groups = np.tile([0, 1, 2], 10)
    made = folds(LeaveOneGroupOut(), groups=groups)
    assert [set(groups[test]) for _, test in made] == [{0}, {1}, {2}]
    again = folds(GroupKFold(3), groups=groups)
    assert {frozenset(groups[test]) for _, test in again} == {frozenset([g]) for g in (0, 1, 2)}


def test_folds_may_be_unequal_and_leave_rows_out():
    assert [len(train) for train, _ in folds(TimeSeriesSplit(3))] == [9, 16, 23]
    assert len(folds(ShuffleSplit(4, test_size=0.2, random_state=0))) == 4


def test_masks_are_numbers():
    mask = np.arange(30) < 15
    ((train, test), _) = folds([(mask, ~mask), (~mask, mask)])
    assert train.tolist() == list(range(15))
    assert test.tolist() == list(range(15, 30))


def test_a_fold_without_weight():
    weight = np.where(np.arange(30) < 10, 0.0, 1.0)
    first, second, third = np.split(np.arange(30), 3)
    both = np.concatenate([second, third])
    splits = [(both, first), (second, third), (third, second)]
    # The first fold has nothing to be judged on.
    assert len(folds(splits, weight=weight)) == 2
    with pytest.raises(ValueError, match="Fold 0 of cv has no rows of weight above 0"):
        folds([(first, both), *splits], weight=weight)


def test_one_fold_is_too_few():
    with pytest.raises(ValueError, match=r"cv makes 1 fold\(s\) to judge on; it needs at least 2"):
        folds(ShuffleSplit(1, random_state=0))
