"""The candidates for the defaults, and the rule that chooses among them, on made numbers."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.real import candidates, choose, results, tables
from benchmarks.real.candidates import DEFAULT
from benchmarks.real.sources import CLASSIFICATION, REGRESSION


def made_row(name, model, loss, error=0.1):
    scores = {"log_loss": loss, "brier": loss, "error": error, "ece": 0.0}
    at = {"set": name, "task": CLASSIFICATION, "split": 0, "model": model}
    return {**at, "seed": 0, **scores, "fit_seconds": 0.25}


def made_scores(n=30):
    """One model 10% better than the default everywhere, one better on a third of the sets."""
    default = np.linspace(0.2, 0.9, n)
    sometimes = np.where(np.arange(n) % 3 == 0, 0.5, 1.2) * default
    return pd.DataFrame({DEFAULT: default, "better": 0.9 * default, "sometimes": sometimes})


def test_the_rule_finds_what_is_better_everywhere():
    scores = made_scores() - 0.01
    check = choose.check_of_rule(scores, [DEFAULT, "better"], [DEFAULT, "better"], 50)
    assert check.chosen == {"better": 1}
    assert check.ratios == pytest.approx({DEFAULT: 0.9, "better": 1})


def test_the_rule_is_compared_on_sets_that_it_has_not_seen():
    # Each candidate is good on one set. Chosen for being seen there, it is bad on all others.
    scores = pd.DataFrame(np.where(np.eye(3, dtype=bool), 0.09, 0.99), columns=["a", "b", "c"])
    scores[DEFAULT] = 0.99
    check = choose.check_of_rule(scores, ["a", "b", "c"], [DEFAULT], 200)
    assert sum(check.chosen.values()) == pytest.approx(1)
    assert list(check.chosen.values()) == sorted(check.chosen.values(), reverse=True)
    assert check.ratios[DEFAULT] == pytest.approx(1)


def test_a_seed_makes_the_same_draws():
    scores = made_scores()
    names = [DEFAULT, "better", "sometimes"]
    first, again = (choose.check_of_rule(scores, names, names, 20) for _ in range(2))
    assert first == again
    assert {"better", "sometimes"} == set(first.chosen)


def test_candidates_are_compared_on_the_splits_of_both():
    rows = [made_row("pima", DEFAULT, 0.39), made_row("zoo", DEFAULT, 0.09)]
    rows += [made_row("pima", "a", 0.79), made_row("zoo", "a", 0.20), made_row("pima", "b", 0.19)]
    lines = choose.candidates_table(CLASSIFICATION, rows, ["a", "b"]).splitlines()
    a, b = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:])
    ratio = tables.as_ratio(tables.paired_ratio([0.79, 0.20], [0.39, 0.09]), 3)
    assert a == ["a", "2", ratio, "1.000 [1.000, 1.000]", ratio, "0", "2.10 zoo"]
    assert b == ["b", "1", "0.500", "1.000", "0.500", "100", "0.50 pima"]


def test_harm_is_listed_the_worst_first():
    rows = [made_row("pima", "a", 0.19, 0.2), made_row("pima", "b", 0.19, 0.23)]
    rows += [made_row("zoo", "a", 0.39, 0.1), made_row("zoo", "b", 0.19, 0.1)]
    lines = choose.harm_table(CLASSIFICATION, rows, "a", "b").splitlines()
    assert lines[2:] == ["| zoo | 2.000 | +0.0 |", "| pima | 1.000 | -3.0 |"]


def test_the_command_reads_several_files(tmp_path, monkeypatch, capsys):
    ours, peers = tmp_path / "ours.jsonl", tmp_path / "peers.jsonl"
    for name, factor in (("pima", 1), ("zoo", 2), ("bupa", 3)):
        results.append(ours, made_row(name, DEFAULT, 0.2 * factor))
        results.append(ours, made_row(name, "alpha 0", 0.3 * factor))
        results.append(peers, made_row(name, "MLPClassifier", 0.2 * factor))
    command = ["choose", "--results", str(ours), str(peers), "--draws", "5"]
    monkeypatch.setattr(sys, "argv", [*command, "--harm", "alpha 0", DEFAULT])
    choose.main()
    said = capsys.readouterr().out
    assert "| penalty, no noise | 3 | default 100% | 1.000 | 1.000 |" in said
    assert "| noise | 3 | default 100% | 1.000 | 1.000 |" in said
    assert "| to default | to MLPClassifier |" in said
    assert "## classification: alpha 0 / default" in said


def test_every_candidate_has_a_name_of_its_own():
    for task in (CLASSIFICATION, REGRESSION):
        names = [name for family in candidates.FAMILIES[task].values() for name in family]
        assert len({*names, DEFAULT}) == len(names) + 1
        assert [DEFAULT, *names] == list(candidates.CANDIDATES[task])


def test_noise_reaches_a_fraction_of_the_way_to_the_other_class():
    X = np.array([[0.0, 0], [0, 1], [4, 0], [4, 2]])
    level = candidates.between_classes(0.5)(CLASSIFICATION, X, np.array([0, 0, 1, 1]))
    distances = [4, 17**0.5, 4, 17**0.5]
    assert level == pytest.approx(0.5 * np.median(distances) / 2**0.5)


def test_two_valued_columns_are_found():
    X = np.array([[0.0, 1, 5], [1, 2, 5], [0, 3, 5]])
    assert candidates.two_valued(CLASSIFICATION, X, np.zeros(3)).tolist() == [True, False, True]


@pytest.mark.parametrize("task", [CLASSIFICATION, REGRESSION])
def test_candidates_follow_what_the_estimator_measures(task, rng):
    X = rng.normal(size=(40, 3))
    X[1] = X[0]
    y = (X[:, 0] > 0).astype(int) if task == CLASSIFICATION else 1000 + X[:, 0]
    default = candidates.CANDIDATES[task][DEFAULT].make(0).fit(X, y).model
    followed = candidates.power(0.6, 2)(task, X, y)
    assert followed == pytest.approx(0.6 * default.unexplained_**2)
