"""Compare candidates for the defaults, and check the rule that chooses among them.

Run: python -m benchmarks.real.run --candidates --stacked --group choose
     python -m benchmarks.real.choose

The rule: of a family of candidates, the one whose log-loss (RMSE) has the lowest geometric mean
over sets, shifted by 0.01. It is checked against itself: it chooses on random two thirds of the
sets, and what it chose is compared with the default and with peers on the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.real import results, tables
from benchmarks.real.candidates import DEFAULT, FAMILIES
from benchmarks.real.results import Row
from benchmarks.real.run import RESULTS
from benchmarks.real.sources import CHOOSE, CLASSIFICATION, JUDGE, REGRESSION

COMPARED = {CLASSIFICATION: ("log_loss", "error", "brier"), REGRESSION: ("rmse",)}
TWO_THIRDS = 2 / 3
# Good candidates differ by less than a hundredth.
DIGITS = 3


class Check(NamedTuple):
    """What the rule chose on random sets, and how that did on the others.

    Parameters
    ----------
    chosen : dict of float
        How often each candidate was chosen, the most frequent first; those never chosen are left
        out.
    ratios : dict of float
        By the name of a reference: the geometric mean, over draws and the sets that the rule did
        not see, of the score of what was chosen, relative to the reference's.
    """

    chosen: dict[str, float]
    ratios: dict[str, float]


def check_of_rule(
    scores: pd.DataFrame,
    family: Sequence[str],
    references: Sequence[str],
    draws: int,
    seed: int = 0,
) -> Check:
    """Let the rule choose on two thirds of the sets, again and again, and look at the others.

    Parameters
    ----------
    scores : DataFrame of shape (n_sets, n_models)
        Each set's score of each model.
    family : sequence of str
        The models that are chosen among.
    references : sequence of str
        The models that what was chosen is compared with.
    draws : int
        How often.
    seed : int
        Of the draws.

    Returns
    -------
    Check
    """
    logs = np.log(scores + tables.SHIFT)
    of_family, of_references = logs[list(family)].to_numpy(), logs[list(references)].to_numpy()
    rng = np.random.default_rng(seed)
    n_seen = round(TWO_THIRDS * len(logs))
    times = np.zeros(len(family))
    differences = np.zeros(len(references))
    for _ in range(draws):
        order = rng.permutation(len(logs))
        seen, others = order[:n_seen], order[n_seen:]
        best = of_family[seen].mean(axis=0).argmin()
        times[best] += 1
        differences += (of_family[others, best, None] - of_references[others]).mean(axis=0)
    chosen = {
        family[i]: float(times[i] / draws) for i in np.argsort(-times, kind="stable") if times[i]
    }
    ratios = np.exp(differences / draws)
    return Check(chosen, dict(zip(references, map(float, ratios), strict=True)))


def in_common(rows: Sequence[Row], metric: str, names: Sequence[str]) -> pd.DataFrame:
    """Average a score of some models over splits, those that all of them have."""
    return tables.per_set([row for row in rows if row["model"] in names], metric)


def candidates_table(task: str, rows: Sequence[Row], names: Sequence[str]) -> str:
    """Write a line a candidate: how it compares with the default, each on the splits of both.

    Parameters
    ----------
    task : {"classification", "regression"}
        What there is to predict.
    rows : sequence of dict
        The fits.
    names : sequence of str
        The candidates.

    Returns
    -------
    str
        The table.
    """
    main = tables.MAIN[task]
    titles = ["candidate", "sets", *(f"{metric.replace('_', '-')}" for metric in COMPARED[task])]
    lines = []
    for name in names:
        scores = {m: in_common(rows, m, (name, DEFAULT)) for m in COMPARED[task]}
        line = [name, str(len(scores[main]))]
        for its in scores.values():
            ratio = tables.paired_ratio(its[name], its[DEFAULT])
            line.append(tables.as_ratio(ratio, DIGITS))
        lines.append([*line, *tables.compared(scores[main], name, DEFAULT)])
    return tables.markdown([*titles, "wins %", "worst set"], lines)


def check_table(task: str, rows: Sequence[Row], families: dict[str, list[str]], draws: int) -> str:
    """Write a line a family: what the rule chooses, and how that does on sets it has not seen."""
    fitted = {row["model"] for row in rows}
    peers = (tables.REFERENCE[task], "CatBoost")
    references = [DEFAULT, *(name for name in peers if name in fitted)]
    lines = []
    for family, names in families.items():
        scores = in_common(rows, tables.MAIN[task], [*names, *references])
        check = check_of_rule(scores, names, references, draws)
        often = ", ".join(f"{name} {100 * share:.0f}%" for name, share in check.chosen.items())
        ratios = (f"{check.ratios[name]:.{DIGITS}f}" for name in references)
        lines.append([family, str(len(scores)), often, *ratios])
    titles = ["family", "sets", "chosen", *(f"to {name}" for name in references)]
    return tables.markdown(titles, lines)


def harm_table(task: str, rows: Sequence[Row], name: str, reference: str) -> str:
    """Write each set's ratio of scores and difference of errors, the worst ratio first.

    Parameters
    ----------
    task : {"classification", "regression"}
        What there is to predict.
    rows : sequence of dict
        The fits.
    name, reference : str
        The models: with noise and without, say.

    Returns
    -------
    str
        The table.
    """
    scores = in_common(rows, tables.MAIN[task], (name, reference)) + tables.SHIFT
    ratios = (scores[name] / scores[reference]).sort_values(ascending=False)
    titles = ["set", f"{tables.TITLES[tables.MAIN[task]]} ratio"]
    columns = [[f"{ratio:.3f}" for ratio in ratios]]
    if task == CLASSIFICATION:
        errors = in_common(rows, "error", (name, reference)).loc[ratios.index]
        titles.append("error, points")
        columns.append([f"{100 * d:+.1f}" for d in errors[name] - errors[reference]])
    return tables.markdown(titles, list(zip(map(str, ratios.index), *columns, strict=True)))


def families_of(task: str, fitted: set[str]) -> dict[str, list[str]]:
    """List what was fitted of each family, the default in each, and all of them as one."""
    of_task = {
        family: [DEFAULT, *(name for name in names if name in fitted)]
        for family, names in FAMILIES[task].items()
    }
    together = [DEFAULT, *(name for names in of_task.values() for name in names[1:])]
    return {**of_task, "all": together}


def report(rows: Sequence[Row], group: str, draws: int) -> Iterator[str]:
    """Yield the title and the tables of each task that the default was fitted to."""
    for task, its_group, of_group in tables.groups(rows):
        fitted = {row["model"] for row in of_group}
        if its_group == group and DEFAULT in fitted:
            families = families_of(task, fitted)
            yield f"## {task}: candidates / {DEFAULT}"
            yield candidates_table(task, of_group, families["all"][1:])
            yield f"The rule, {draws} times on two thirds of the sets; ratios on the others"
            yield check_table(task, of_group, families, draws)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, nargs="+", default=[RESULTS], metavar="PATH")
    parser.add_argument("--group", choices=[CHOOSE, JUDGE], default=CHOOSE)
    parser.add_argument("--draws", type=int, default=1000, help="of the check (default: 1000)")
    parser.add_argument("--harm", nargs=2, metavar="MODEL", help="also the second's, set by set")
    asked = parser.parse_args()
    rows = [row for path in asked.results for row in results.load(path).values()]
    print("\n\n".join(report(rows, asked.group, asked.draws)))
    if asked.harm:
        for task, group, of_group in tables.groups(rows):
            if group == asked.group and set(asked.harm) <= {row["model"] for row in of_group}:
                print(f"\n## {task}: {' / '.join(asked.harm)}\n")
                print(harm_table(task, of_group, *asked.harm))


if __name__ == "__main__":
    main()
