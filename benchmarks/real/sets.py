"""The data sets by name, the splits of their rows, and the encoding of their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.real.sources import CLASSIFICATION, SOURCES, Source

MIN_PER_CLASS = 8
TRAIN_FRACTION, MAX_TRAIN, MAX_TEST = 0.6, 400, 1500


@dataclass(frozen=True)
class DataSet:
    """A data set as it was read, before any encoding.

    Parameters
    ----------
    name : str
        Its name, unique among all.
    task : {"classification", "regression"}
        What there is to predict.
    X : DataFrame of shape (n_rows, n_columns)
        Columns of float64 or category, both with missing values.
    y : ndarray of shape (n_rows,)
        The classes, as 0, 1, 2..., or the target.
    group : {"choose", "judge"}
        Whether defaults may be tuned on it.
    """

    name: str
    task: str
    X: pd.DataFrame
    y: np.ndarray
    group: str


class Split(NamedTuple):
    """The encoded rows of one split."""

    X_train: np.ndarray
    X_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray


def names(task: str | None = None, group: str | None = None) -> list[str]:
    """List the sets of a task and of a group, or of all."""
    return [
        name
        for (its_task, its_group), sources in SOURCES.items()
        if task in (None, its_task) and group in (None, its_group)
        for name in sources
    ]


def assembled(name: str, task: str, group: str, source: Source) -> DataSet:
    """Read a set, drop what does not count, and number its classes.

    Parameters
    ----------
    name, task, group : str
        As `DataSet` has them.
    source : Source
        Where it comes from.

    Returns
    -------
    DataSet
        Without rows that have no target, classes of fewer than 8 rows, and columns that are
        constant.
    """
    frame = source.read()
    target = frame.columns[source.target] if isinstance(source.target, int) else source.target
    frame = frame[frame[target].notna()]
    if task == CLASSIFICATION:
        rows_of_its_class = frame[target].map(frame[target].value_counts()).astype(int)
        frame = frame[rows_of_its_class >= MIN_PER_CLASS]
        # As text, since the classes of one file may be numbers and those of another words.
        y = np.unique(frame[target].astype(str), return_inverse=True)[1]
    else:
        y = frame[target].to_numpy(dtype=float)
    X = frame.drop(columns=[target, *source.drop]).reset_index(drop=True)
    X = X.loc[:, X.nunique(dropna=False) > 1].copy()
    X.columns = X.columns.astype(str)  # ColumnTransformer takes numbers for positions
    as_names = {
        column: X[column].astype(object).astype("category") for column in source.categories
    }
    return DataSet(name, task, X.assign(**as_names), y, group)


def read(name: str) -> DataSet:
    """Read a data set by its name.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    DataSet
        The set.

    Raises
    ------
    KeyError
        If there is no set of the name.
    """
    for (task, group), sources in SOURCES.items():
        if name in sources:
            return assembled(name, task, group, sources[name])
    raise KeyError(f"no data set {name!r}; there are {', '.join(names())}")


def encoder() -> ColumnTransformer:
    """Give what encodes columns, to be fitted to training rows.

    Returns
    -------
    ColumnTransformer
        Numbers: the median for what is missing, then mean 0 and variance 1. Categories: one column
        each, what is missing being one of them; one that the training rows do not have is all 0.
    """
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_include="category")),
        ]
    )


def split(data: DataSet, seed: int) -> Split:
    """Split the rows at random, by class if there are classes, and encode them.

    Parameters
    ----------
    data : DataSet
        The set.
    seed : int
        Of the split.

    Returns
    -------
    Split
        60% of the rows to train on, but at most 400, and at most 1,500 others to test on.
    """
    n = len(data.y)
    n_train = min(round(TRAIN_FRACTION * n), MAX_TRAIN)
    X_train, X_test, y_train, y_test = train_test_split(
        data.X,
        data.y,
        train_size=n_train,
        test_size=min(n - n_train, MAX_TEST),
        stratify=data.y if data.task == CLASSIFICATION else None,
        random_state=seed,
    )
    encode = encoder().fit(X_train)
    return Split(encode.transform(X_train), encode.transform(X_test), y_train, y_test)
