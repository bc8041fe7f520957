"""Says of what NumPy, pandas and polars refuse which parameter it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from sklearn.utils._missing import is_pandas_na, is_scalar_nan


def check_collected(**data: Any) -> None:
    """Refuse lazy data frames, of which NumPy makes an array of one object.

    Parameters
    ----------
    **data : dict
        Data as users gave them, by the parameters' names.

    Raises
    ------
    TypeError
        If one is a LazyFrame of polars, or another with values only after its ``collect()``.
    """
    for name, given in data.items():
        if hasattr(given, "collect") and not hasattr(given, "__array__"):
            kind = type(given)
            raise TypeError(
                f"{name} is a {kind.__name__} of {kind.__module__.partition('.')[0]}, which has "
                "no values yet: give what its collect() returns."
            )


def check_no_dates(name: str, values: Any) -> None:
    """Refuse dates and times where numbers are needed: NumPy makes counts of their units.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    values : array-like
        As users gave them.

    Raises
    ------
    TypeError
        If they are dates or times, or a column of a data frame has such.
    """
    dtypes = getattr(values, "dtypes", None)
    if not isinstance(dtypes, Iterable):
        # pandas has dtypes of its own, for dates of a zone and for those of Arrow.
        dtypes = [getattr(values, "dtype", None)]
        # Rows of different lengths are refused by who reads them.
        with suppress(ValueError):
            dtypes.append(np.asarray(values).dtype)
    for dtype in map(str, dtypes):
        if dtype.lower().startswith(("date", "time", "duration")):
            raise TypeError(
                f"{name} has the dtype {dtype}, of which numbers would be counts of its "
                f"unit. Give numbers, such as ({name} - {name}.min()) / np.timedelta64(1, 'D')."
            )


@contextmanager
def named_overflow(names: str) -> Iterator[None]:
    """While entered, raise the ``OverflowError`` of a large Python integer as a ``ValueError``.

    Parameters
    ----------
    names : str
        The parameters that are read, for messages.
    """
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"{names} has a number that is too large for a float.") from error


@contextmanager
def named_targets(name: str, y: Any) -> Iterator[None]:
    """While entered, say of targets what NumPy and pandas refuse, which know no names.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    y : object
        Labels or numbers, as users gave them.

    Raises
    ------
    ValueError
        If one is missing, or rows have different lengths, or they are in an object column and
        cannot be used.
    TypeError
        If they are of a dtype of NumPy's that scikit-learn cannot read.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if name in str(error).split() or not isinstance(y, Iterable):
            raise
        for place, value in enumerate(y):
            missing = value is None or value is np.ma.masked
            if missing or is_scalar_nan(value) or is_pandas_na(value):
                raise ValueError(
                    f"{name} has {value!r} in place {place}: leave out what has no target."
                ) from error
        if isinstance(y, np.ndarray) and y.dtype.kind in "TV":
            raise TypeError(
                f"{name} has the dtype {y.dtype}; give numbers, bools, or strings of the dtype "
                "str or object."
            ) from error
        types = _types_of_objects(name, y)
        if types:
            raise ValueError(
                f"{name} has the dtype {getattr(y, 'dtype', 'object')}, with values of the type "
                f"{' and '.join(types)}. Give it one of NumPy's own: by {name}.astype(int), "
                "float, bool or str, or pandas' infer_objects(); dates as numbers, of days since "
                # scikit-learn asks for the words "Unknown label type".
                f"the first say. ({str(error).partition('. ')[0]})"
            ) from error
        raise


def _types_of_objects(name: str, y: Iterable[Any]) -> list[str]:
    """Give the types in what has no dtype but object; none where it has one."""
    try:
        values = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} has rows of different lengths; give each as many targets."
        ) from error
    return sorted({type(v).__name__ for v in values.ravel()}) if values.dtype == object else []
