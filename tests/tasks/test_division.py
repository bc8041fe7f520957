"""Rows, steps and epochs: what training takes in which steps, before it starts."""

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.noise._rows import row_keys
from sknoise.tasks._division import divided
from sknoise.tasks._unexplained import unexplained
from sknoise.training import _rows
from sknoise.training._rows import chosen_rows, distinct_rows, grouped

X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
Y = (X[:, 0] + np.random.default_rng(1).normal(size=40) > 0).astype(np.int32)


def division(X=X, y=Y, weight=None, sample_weight=None, epochs="auto", kind=None, **options):
    estimator = (kind or NoisyMLPClassifier)(**options)
    weight = np.ones(len(X)) if weight is None else np.asarray(weight, dtype=float)
    sample_weight = weight if sample_weight is None else sample_weight
    return divided(estimator, X, y, weight, sample_weight, None, 7, epochs, False)


def test_copies_count_where_weights_do():
    times = np.arange(40) % 3 + 1
    weighted = division(weight=times, alpha=1)
    repeated = division(X.repeat(times, axis=0), Y.repeat(times), alpha=1)
    for one, other in zip(weighted.data.arrays, repeated.data.arrays, strict=True):
        np.testing.assert_array_equal(one, other)
    assert weighted[1:] == repeated[1:]
    # 79 rows make larger steps, and more of them, than 40; half as many rows as copies are not.
    assert times.sum() == 79
    assert weighted[2:5] == (5, 73, 1 / 5)
    assert division(alpha=1)[2:5] == (4, 46, 1 / 4)
    assert division(weight=times + 0.5, alpha=1)[2:4] == (4, 46)


def test_regressors_take_twice_as_many_steps():
    found = division(y=X[:, :1], kind=NoisyMLPRegressor)
    assert (found.batch_size, found.epochs) == (4, 93)


@pytest.mark.parametrize("scale", [1 / 512, 0.5, 2.0**40 + 0.5])
def test_weights_that_count_nothing_are_ratios(scale):
    weight = scale * np.linspace(1, 2, 40)
    plain, scaled = division(weight=np.linspace(1, 2, 40)), division(weight=weight)
    np.testing.assert_array_equal(scaled.data.weight, plain.data.weight)
    # The automatic alpha too; one that is given is beside them, as in scikit-learn.
    assert scaled[1:] == plain[1:]
    assert plain.penalty == 0.6 * plain.unexplained**2 / 4
    given = division(weight=weight, alpha=1)
    assert given.penalty == pytest.approx(1 / (4 * weight.mean()))


def test_weights_of_classes_repeat_nothing():
    by_class = np.where(Y == 1, 3.0, 1.0)
    found = division(weight=by_class, sample_weight=np.ones(40))
    assert found[2:4] == division()[2:4]
    assert found.penalty == 0.6 * found.unexplained**2 / 4
    twice = division(weight=2 * by_class, sample_weight=np.full(40, 2.0))
    assert twice[2:4] == (5, 73)


def test_weights_beyond_all_counts_are_no_counts():
    # Floats that large are whole, whatever they mean.
    assert division(weight=np.linspace(1, 2, 40) * 2.0**100)[2:4] == division()[2:4]


CELLS = np.array(np.meshgrid(*[[0, 1]] * 5)).reshape(5, -1).T.astype(np.float32)
LABELS = CELLS[:, 0].astype(np.int32)


def test_few_epochs_of_equal_rows_are_warned_of():
    X, y = CELLS.repeat(20, axis=0), LABELS.repeat(20)
    says = (
        "The 640 rows are 32 different ones, which train together: an epoch is 1 step(s), where "
        "16 could be expected. Use epochs='auto', or more than epochs=9."
    )
    with pytest.warns(ConvergenceWarning, match=re.escape(says)):
        division(X, y, epochs=9)
    with pytest.warns(ConvergenceWarning, match=re.escape(says)):
        division(CELLS, LABELS, np.full(32, 20), epochs=9)
    with pytest.warns(ConvergenceWarning, match=re.escape(says)) as caught:
        NoisyMLPClassifier(2, epochs=9, random_state=0).fit(X, y)
    # Whatever users make of warnings, it is none of our own code.
    assert "sknoise" not in caught[0].filename


@pytest.mark.parametrize("kind", [NoisyMLPClassifier, NoisyMLPRegressor])
def test_little_patience_with_equal_rows_is_warned_of(kind):
    data = CELLS, (LABELS if kind is NoisyMLPClassifier else CELLS[:, :1])
    options = {"kind": kind, "early_stopping": True, "patience": 7}
    says = (
        "different ones, which train together: an epoch is 1 step(s), where 18 could be expected. "
        "Use patience=180 instead of 7."
    )
    with pytest.warns(ConvergenceWarning, match=re.escape(says)):
        division(*data, np.full(32, 20), **options)
    with pytest.warns(ConvergenceWarning, match=r"than epochs=9; and patience=180 instead of 7\."):
        division(*data, np.full(32, 20), epochs=9, **options)
    # What it says helps, and so does more.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for patience in (180, 9000):
            division(*data, np.full(32, 20), **options | {"patience": patience})


@pytest.mark.parametrize(
    ("copies", "epochs", "options"),
    [
        (20, "auto", {}),
        # As partial_fit asks for.
        (20, 1, {}),
        (20, 9, {"batch_size": None}),
        (3, 9, {}),
        (3, "auto", {"early_stopping": True}),
        (20, "auto", {"early_stopping": True, "batch_size": None}),
        # Weights that count nothing.
        (20.5, 9, {}),
    ],
    ids=str,
)
def test_others_are_not(copies, epochs, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        division(CELLS, LABELS, np.full(32, copies), epochs=epochs, **options)


def test_what_is_held_out_counts_for_nothing():
    options = {"early_stopping": True, "validation_fraction": 0.5, "patience": 99}
    found = division(**options)
    # Rows that are held out neither say how long, nor what is left unexplained.
    assert (len(found.data), len(found.validation)) == (19, 21)
    assert found[2:4] == (4, round(1000 * (19 / 400) ** (1 / 3) / 5))
    assert found.unexplained == unexplained(found.data, np.ones(19))
    assert found.unexplained != division().unexplained
    # Nor do copies that are.
    data = distinct_rows(grouped(CELLS, LABELS, np.full(32, 20.0)))
    found = division(CELLS, LABELS, np.full(32, 20), **options)
    share = found.data.weight / found.data.weight.sum() * 320
    assert 0 < share.min() < share.max() < 20
    np.testing.assert_allclose(share, share.round(), atol=1e-4)
    assert len(found.data) == len(data)
    assert found[2:4] == (20, round(1000 * (320 / 400) ** (1 / 3) / 2))
    kept = chosen_rows(data, (share.round() / 20).astype(np.float32))
    assert found.unexplained == unexplained(kept, share.round())


def test_rows_are_keyed_once(monkeypatch):
    keyed = []
    monkeypatch.setattr(_rows, "row_keys", lambda *rows: keyed.append(1) or row_keys(*rows))
    options = {"early_stopping": True, "batch_size": 4, "shuffle": False}
    assert division(np.tile(X, (2, 1)), np.tile(Y, 2), **options).validation is not None
    assert keyed == [1]


def test_nothing_automatic_is_not_measured():
    options = {"alpha": 0, "noise_input": 0.1, "noise_hidden": 0}
    assert division(**options).unexplained is None
    for name in options:
        assert 0 < division(**options | {name: "auto"}).unexplained < 1
