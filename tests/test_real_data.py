"""The benchmark on real data: its scores, its tables, and that it goes on where it ended."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.metrics import brier_score_loss

from benchmarks.real import metrics, models, results, run, sets, tables
from benchmarks.real.sources import CHOOSE, CLASSIFICATION, REGRESSION


def made_set():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(5, 2, 100), "z": rng.normal(size=100)})
    return sets.DataSet("made", CLASSIFICATION, X, np.arange(100) % 4 // 3, CHOOSE)


def made_row(name, model, split, loss, task=CLASSIFICATION):
    scores = {"log_loss": loss, "brier": loss, "error": loss / 2, "ece": loss / 10}
    scores = scores if task == CLASSIFICATION else {"rmse": loss}
    at = {"set": name, "task": task, "split": split, "model": model}
    return {**at, "seed": split, **scores, "fit_seconds": 0.25}


def test_calibration_error_by_hand():
    # Confidences .9, .9 and .6: the first two share a bin, one of them right.
    p = np.array([[0.9, 0.1], [0.1, 0.9], [0.4, 0.6]])
    error = metrics.calibration_error(p, np.array([0, 0, 1]))
    assert error == pytest.approx((2 * abs(0.5 - 0.9) + abs(1 - 0.6)) / 3)
    assert metrics.calibration_error(np.eye(2), np.array([0, 1])) == 0


def test_scores_of_probabilities():
    p = np.array([[0.8, 0.2], [0.0, 1.0], [0.3, 0.7]])
    y = np.array([0, 0, 1])
    scores = metrics.of_probabilities(p, y)
    eps = np.finfo(float).eps
    assert scores["log_loss"] == pytest.approx(-np.log([0.8, eps, 0.7]).mean())
    assert scores["brier"] == pytest.approx(2 * brier_score_loss(y, p[:, 1]))
    assert scores["error"] == pytest.approx(1 / 3)


def test_the_mean_of_the_target_scores_1():
    y = np.array([1.0, 2.0, 6.0])
    assert metrics.of_numbers(np.full(3, 3.0), y)["rmse"] == pytest.approx(1)


def test_calibrated_svc_takes_rare_classes(rng):
    y = np.r_[np.zeros(12), np.ones(12), [2, 2, 2]].astype(int)
    svc = models.MODELS[CLASSIFICATION]["SVC, calibrated"].make(0)
    assert svc.fit(rng.normal(size=(27, 2)), y).cv == 3


def test_geometric_means_and_ratios_against_closed_forms():
    values, reference = np.array([0.09, 0.39, 0.99]), np.array([0.19, 0.39, 0.49])
    assert tables.geometric_mean(values) == pytest.approx((0.1 * 0.4 * 1.0) ** (1 / 3) - 0.01)
    ratio = tables.paired_ratio(values, reference)
    logs = np.log([0.5, 1, 2])
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert ratio == pytest.approx((1, np.exp(interval.low), np.exp(interval.high)))
    assert tables.win_rate(values, reference) == 0.5
    assert np.isnan(tables.paired_ratio([0.1], [0.2]).low)


def test_only_splits_that_all_models_have_are_counted():
    rows = [made_row("pima", "a", 0, 0.2), made_row("pima", "a", 1, 0.4)]
    rows += [made_row("pima", "b", 0, 0.3), made_row("zoo", "b", 0, 0.3)]
    frame = tables.per_set(rows, "log_loss")
    assert frame.to_dict() == {"a": {"pima": 0.2}, "b": {"pima": 0.3}}


def test_tables_keep_tasks_and_groups_apart():
    rows = [
        made_row(name, model, 0, loss)
        for name, factor in (("pima", 1), ("zoo", 2), ("tae", 3))
        for model, loss in (("MLPClassifier", 0.2 * factor), ("CatBoost", 0.1 * factor))
    ]
    rows += [made_row("servo", model, 0, 0.5, REGRESSION) for model in ("Ridge", "MLPRegressor")]
    report = tables.report(rows, with_sets=True)
    titles = [line for line in report.splitlines() if line.startswith("##")]
    assert titles == [
        "## classification, choose: sets 2, splits 1",
        "## classification, judge: sets 1, splits 1",
        "## regression, choose: sets 1, splits 1",
    ]
    best = next(line for line in report.splitlines() if line.startswith("| CatBoost"))
    cells = [cell.strip() for cell in best.strip("|").split("|")]
    mean = tables.geometric_mean([0.1, 0.2])
    assert cells[1:4] == [f"{mean:.3f}", f"{mean:.3f}", "92.5"]
    assert cells[-4:] == ["100", "0.52 pima", "0.25", ""]
    assert "| zoo | 0.200 | 0.400 |" in report


def test_results_are_read_again_but_for_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "results.jsonl"
    assert results.load(path) == {}
    first, second = made_row("pima", "a", 0, 0.2), made_row("pima", "a", 1, 0.4)
    results.append(path, first)
    with path.open("a") as file:
        file.write(json.dumps(second)[:20])
    results.append(path, second)
    assert results.load(path) == {("pima", "a", 0): first, ("pima", "a", 1): second}


class Counted(DummyClassifier):
    fits = 0

    def fit(self, X, y):
        Counted.fits += 1
        return super().fit(X, y)


class Failing(DummyClassifier):
    def fit(self, X, y):
        raise ValueError("no such luck")


def test_a_run_goes_on_where_one_ended(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sets, "read", lambda name: made_set())
    monkeypatch.setattr(Counted, "fits", 0)
    out = tmp_path / "results.jsonl"
    made = {
        "a": models.Model(lambda seed: Counted()),
        "b": models.Model(lambda seed: Counted(), compiles=True),
        "bad": models.Model(lambda seed: Failing()),
    }

    def left(splits, *names):
        done = set(results.load(out))
        return list(run.jobs(["pima", "zoo", "servo"], {CLASSIFICATION: names}, splits, done))

    assert run.run(left(1, "a"), {CLASSIFICATION: made}, out) == 0
    assert Counted.fits == 2
    assert run.run(left(2, "a", "b"), {CLASSIFICATION: made}, out) == 0
    assert Counted.fits == 2 + 2 + 2 * 4  # what compiles is fitted twice
    assert left(2, "a", "b") == []
    assert capsys.readouterr().out == "pima: 1 fits\nzoo: 1 fits\npima: 3 fits\nzoo: 3 fits\n"
    assert run.run(left(1, "a", "bad"), {CLASSIFICATION: made}, out) == 2
    assert "bad, ValueError: no such luck" in capsys.readouterr().err
    assert len(left(1, "bad")) == 2
    rows = results.load(out)
    assert len(rows) == 8
    assert ("first_fit_seconds" in rows["pima", "b", 1]) > (
        "first_fit_seconds" in rows["zoo", "a", 0]
    )


def test_the_command_fits_and_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sets, "read", lambda name: made_set())
    out = tmp_path / "results.jsonl"
    command = ["run", "--sets", "pima", "--models", "LogisticRegression", "--splits", "2"]
    picture = tmp_path / "figures" / "made.svg"
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(out), "--figure", str(picture)])
    assert run.main() == 0
    assert "LogisticRegression" in picture.read_text()
    assert "| LogisticRegression |" in capsys.readouterr().out
    assert len(results.load(out)) == 2


def test_candidates_are_fitted_instead_of_the_peers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sets, "read", lambda name: made_set())
    made = {name: models.Model(lambda seed: DummyClassifier()) for name in ("default", "other")}
    monkeypatch.setattr(run, "CANDIDATES", {CLASSIFICATION: made, REGRESSION: {}})
    out = tmp_path / "results.jsonl"
    command = ["run", "--candidates", "--stacked", "--sets", "pima", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    assert run.main() == 0
    fitted = set(results.load(out))
    assert fitted == {("pima", name, split) for name in made for split in range(4)}
    assert "log-loss / default" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sets", "iris"], "unknown: iris"),
        (["--models", "GLM", "--reference", "GAM"], "unknown: GLM, GAM"),
        (["--pytabkit"], "`pip install pytabkit`"),
    ],
)
def test_the_command_names_what_it_has_not(options, message, monkeypatch, capsys):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["run", *options])
    with pytest.raises(SystemExit):
        run.main()
    assert message in capsys.readouterr().err
