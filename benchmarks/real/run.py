"""Fit all models to all data sets, or some to some, and print what comes out.

Run: make real, or python -m benchmarks.real.run --splits 4

One line of JSON a fit goes to a file; a run goes on where one ended. All of it takes an hour or
two on two idle cores; the times of fits say something only if nothing else runs. See `sets.py` for
the splits, `models.py` for the models, `tables.py` for what the tables say. With `--candidates`,
candidates for our defaults are fitted instead, which `choose.py` compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
from rich.progress import Progress

from benchmarks.processes import quieten, seconds
from benchmarks.real import metrics, results, sets, tables
from benchmarks.real.candidates import CANDIDATES, DEFAULT
from benchmarks.real.models import Model, all_models
from benchmarks.real.sources import CHOOSE, CLASSIFICATION, JUDGE, REGRESSION

RESULTS = Path(__file__).parent / "results.jsonl"
# Most candidates on all splits of a set: to compile again would take longer than a large stack.
MAX_NETWORKS = 256


class Job(NamedTuple):
    """The fits of one data set that are to be done."""

    name: str
    task: str
    fits: list[tuple[int, str]]  # splits and models, the models of a split together


def fitted(model: Model, seed: int, part: sets.Split, task: str) -> dict[str, float]:
    """Fit a model to one split and score it.

    Parameters
    ----------
    model : Model
        What is fitted; twice if it compiles.
    seed : int
        Its seed.
    part : Split
        The encoded rows.
    task : {"classification", "regression"}
        What there is to predict.

    Returns
    -------
    dict of float
        The scores, the seconds of the fit, and those of the first fit if there were two.
    """
    times = []
    for _ in range(2 if model.compiles else 1):
        estimator = model.make(seed)
        times.append(seconds(partial(estimator.fit, part.X_train, part.y_train)))
    if task == CLASSIFICATION:
        scores = metrics.of_probabilities(estimator.predict_proba(part.X_test), part.y_test)
    else:
        scores = metrics.of_numbers(estimator.predict(part.X_test), part.y_test)
    first = {"first_fit_seconds": times[0]} if model.compiles else {}
    return {**scores, "fit_seconds": times[-1], **first}


def jobs(
    chosen: list[str], models: dict[str, list[str]], splits: int, done: set[results.Key]
) -> Iterator[Job]:
    """List what is to be done.

    Parameters
    ----------
    chosen : list of str
        The names of data sets.
    models : dict of list of str
        The names of models, by task.
    splits : int
        Number of splits.
    done : set of tuple
        The fits that are done.

    Yields
    ------
    Job
        What is left of each set, sets of which nothing is left not among them.
    """
    for task, names_of_models in models.items():
        of_task = set(sets.names(task))
        for name in chosen:
            if name in of_task:
                fits = [(s, m) for s in range(splits) for m in names_of_models]
                fits = [(s, m) for s, m in fits if (name, m, s) not in done]
                if fits:
                    yield Job(name, task, fits)


def done_fits(job: Job, models: dict[str, Model]) -> Iterator[results.Row]:
    """Do the fits of a data set, and give a row each; for one that fails, its error.

    Parameters
    ----------
    job : Job
        The fits.
    models : dict of Model
        The models by name.

    Yields
    ------
    dict
        What `results.append` writes, or a row with the key "failed".
    """
    data = sets.read(job.name)
    parts = {split: sets.split(data, split) for split in {split for split, _ in job.fits}}

    def row_of(split: int, model: str) -> results.Row:
        row: results.Row = {"set": job.name, "task": job.task, "split": split, "model": model}
        try:
            return {**row, "seed": split, **fitted(models[model], split, parts[split], job.task)}
        except Exception as error:  # one in thousands must not end a run of hours
            return {**row, "failed": f"{type(error).__name__}: {error}"}

    # One after the other, but under `--stacked`.
    yield from joblib.Parallel(return_as="generator")(
        joblib.delayed(row_of)(split, model) for split, model in job.fits
    )


def run(todo: list[Job], models: dict[str, dict[str, Model]], out: Path) -> int:
    """Do all fits and write them, with a bar on a terminal, else with a line a set.

    Parameters
    ----------
    todo : list of Job
        What there is to do.
    models : dict of dict of Model
        The models by task and name.
    out : Path
        The file of results.

    Returns
    -------
    int
        The number of fits that failed.
    """
    on_terminal = sys.stdout.isatty()
    n_failed = 0
    with Progress(disable=not on_terminal) as progress:
        bar = progress.add_task("", total=sum(len(job.fits) for job in todo))
        for job in todo:
            progress.update(bar, description=job.name)
            for row in done_fits(job, models[job.task]):
                if "failed" in row:
                    n_failed += 1
                    print(*row.values(), sep=", ", file=sys.stderr)
                else:
                    results.append(out, row)
                progress.advance(bar)
            if not on_terminal:
                print(f"{job.name}: {len(job.fits)} fits", flush=True)
    return n_failed


def stacks() -> Any:
    """Let the fits of a set train together, those that can, in as few programs as they can."""
    import sknoise  # noqa: F401, registers the backend

    return joblib.parallel_config(backend="sknoise", max_networks=MAX_NETWORKS)


def unknown(asked: list[str] | None, known: list[str]) -> list[str]:
    """List what was asked for and does not exist."""
    return [name for name in asked or () if name not in known]


def arguments() -> tuple[argparse.ArgumentParser, Any]:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splits", type=int, default=4, help="of each set (default: 4)")
    parser.add_argument("--group", choices=[CHOOSE, JUDGE, "all"], default="all")
    parser.add_argument("--task", choices=[CLASSIFICATION, REGRESSION, "all"], default="all")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--pytabkit", action="store_true", help="also RealMLP-TD and TabM")
    parser.add_argument("--candidates", action="store_true", help="for the defaults, instead")
    parser.add_argument(
        "--stacked", action="store_true", help="train ours together; times of fits are no use then"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of results")
    parser.add_argument("--no-fit", action="store_true", help="only print what is done")
    parser.add_argument("--reference", metavar="MODEL", help="what ratios are to")
    parser.add_argument("--per-set", action="store_true", help="print each set's scores too")
    parser.add_argument("--figure", type=Path, metavar="PATH", help="draw loss against time")
    return parser, parser.parse_args()


def main() -> int:
    """Fit what is left, then print tables of all that was asked for."""
    parser, asked = arguments()
    try:
        available = CANDIDATES if asked.candidates else all_models(asked.pytabkit)
    except ModuleNotFoundError as error:
        parser.error(str(error))
    known = [name for models in available.values() for name in models]
    wrong = unknown(asked.sets, sets.names()) + unknown(asked.models, known)
    wrong += unknown([asked.reference] if asked.reference else None, known)
    if wrong:
        parser.error(f"unknown: {', '.join(wrong)}")
    tasks = [task for task in available if asked.task in (task, "all")]
    models = {
        task: [name for name in available[task] if name in (asked.models or known)]
        for task in tasks
    }
    group = None if asked.group == "all" else asked.group
    chosen = [name for name in sets.names(group=group) if name in (asked.sets or sets.names())]
    failed = 0
    if not asked.no_fit:
        todo = list(jobs(chosen, models, asked.splits, set(results.load(asked.out))))
        with stacks() if asked.stacked else nullcontext():
            failed = run(todo, available, asked.out)
    rows = [
        row
        for row in results.load(asked.out).values()
        if row["set"] in chosen
        and row["model"] in models.get(row["task"], ())
        and row["split"] < asked.splits
    ]
    reference = asked.reference or (DEFAULT if asked.candidates else None)
    print(tables.report(rows, reference, asked.per_set))
    if asked.figure and rows:
        from benchmarks.real import figure

        figure.draw(rows, asked.figure)
    return 1 if failed else 0


if __name__ == "__main__":
    # Not in main, which tests call: it would silence the loggers of those after them.
    quieten()
    sys.exit(main())
