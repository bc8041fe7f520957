"""Odd data for the fuzz test: tables, labels, targets and weights, as short descriptions.

A description says all: it is what a failing case prints, and builds the same data anywhere.
"""

import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse

VALUES: dict[str, Callable] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "few": lambda rng, shape: rng.integers(0, 3, shape).astype(float),
    "counts": lambda rng, shape: rng.poisson(100, shape).astype(float),
    "constant": lambda rng, shape: np.full(shape, 3.0),
    "zeros": lambda rng, shape: np.zeros(shape) * rng.choice([-1, 1], shape),
    "small": lambda rng, shape: rng.normal(size=shape) * 1e-6,
    "denormal": lambda rng, shape: rng.normal(size=shape) * 1e-310,
    "large": lambda rng, shape: rng.normal(size=shape) * 1e6,
    "scales": lambda rng, shape: rng.normal(size=shape) * 10.0 ** rng.integers(-30, 30, shape),
    "huge": lambda rng, shape: rng.normal(size=shape) * 1e30,
    "largest float32": lambda rng, shape: rng.choice([-3.4e38, 3.4e38], shape),
    "above float32": lambda rng, shape: rng.choice([-1e39, 1e39], shape),
    "largest float64": lambda rng, shape: rng.choice([-1.79e308, 1.79e308], shape),
    "a nan": lambda rng, shape: _with_one(rng, shape, np.nan),
    "an inf": lambda rng, shape: _with_one(rng, shape, np.inf),
    "a -inf": lambda rng, shape: _with_one(rng, shape, -np.inf),
    "a 1e300": lambda rng, shape: _with_one(rng, shape, 1e300),
}


def _with_one(rng, shape, value):
    out = rng.normal(size=shape)
    if out.size:
        out.flat[rng.integers(out.size)] = value
    return out


def _with_none(a):
    out = a.astype(object)
    out.flat[:1] = None
    return out


def _as_times(kind):
    return lambda a: np.nan_to_num(a).clip(-1e6, 1e6).astype(np.int64).astype(f"{kind}[s]")


DTYPES: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda a: a,
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble) * 10,
    "big-endian": lambda a: a.astype(">f8"),
    "int8": lambda a: a.astype(np.int8),
    "uint8": lambda a: a.astype(np.uint8),
    "int64": lambda a: a.astype(np.int64),
    "uint64": lambda a: a.astype(np.uint64),
    "bool": lambda a: a > 0,
    "object": lambda a: a.astype(object),
    "huge ints": lambda a: np.array([[10**400 for _ in row] for row in a], object, ndmin=2),
    "object with None": _with_none,
    "strings of numbers": lambda a: a.astype(str),
    "strings": lambda a: np.char.add("a", a.astype(str)),
    "variable strings": lambda a: a.astype(np.dtypes.StringDType()),
    "bytes": lambda a: a.astype("S8"),
    "complex": lambda a: a + 0j,
    "datetime": _as_times("datetime64"),
    "timedelta": _as_times("timedelta64"),
}
# What trains, if the values do.
GOOD_DTYPES = list(DTYPES)[:11]


def _memmap(a):
    with tempfile.NamedTemporaryFile() as file:
        out = np.memmap(file.name, a.dtype, "w+", shape=a.shape)
        out[:] = a
        out.flush()
        return np.memmap(file.name, a.dtype, "r", shape=a.shape)


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def _nullable(a):
    return pd.DataFrame(a, columns=_names(a)).convert_dtypes()


def _with_na(a):
    return _nullable(_with_none(a))


def _names(a):
    return [f"x{i}" for i in range(a.shape[1])]


def _mixed_names(a):
    return pd.DataFrame(a, columns=[i if i else "first" for i in range(a.shape[1])])


def _ragged(a):
    rows = a.tolist()
    return [[*rows[0], 1.0], *rows[1:]]


GOOD_CONTAINERS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda a: a,
    "fortran": np.asfortranarray,
    "every other": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "unaligned": lambda a: np.frombuffer(b"0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "read-only": _read_only,
    "memmap": _memmap,
    "masked": lambda a: np.ma.masked_array(a, a == a[:1, :1]),
    "list": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a)),
    "pandas": lambda a: pd.DataFrame(a, columns=_names(a)),
    "pandas, odd index": lambda a: pd.DataFrame(a, index=[7] * len(a)),
    "pandas, nullable": _nullable,
    "pandas, categorical": lambda a: pd.DataFrame(a, columns=_names(a)).astype("category"),
    "polars": lambda a: pl.DataFrame(a, schema=_names(a)),
}
BAD_CONTAINERS: dict[str, Callable[[np.ndarray], Any]] = {
    "matrix": np.asmatrix,
    "flat": np.ravel,
    "three axes": lambda a: a[:, :, None],
    "column of rows": lambda a: list(map(np.atleast_2d, a)),
    "scalar": lambda a: 3.5,
    "none": lambda a: None,
    "text": str,
    "dict": lambda a: dict(enumerate(a)),
    "generator": iter,
    "function": lambda a: len,
    "ragged": _ragged,
    "records": lambda a: np.rec.fromarrays([a[:, 0], a[:, 0]]),
    "sparse matrix": sparse.csr_matrix,
    "sparse array": sparse.coo_array,
    "pandas, mixed names": _mixed_names,
    "pandas, NA": _with_na,
    "pandas, sparse": lambda a: pd.DataFrame(a).astype(pd.SparseDtype(float)),
    "pandas series": lambda a: pd.Series(a[:, 0]),
    "polars, null": lambda a: pl.DataFrame({"x0": [None, *a[1:, 0].tolist()]}),
    "polars, lazy": lambda a: pl.DataFrame(a, schema=_names(a)).lazy(),
}
CONTAINERS = GOOD_CONTAINERS | BAD_CONTAINERS


class NoSuchDataError(Exception):
    """The container does not take the data type, or this version has no such type."""


@contextmanager
def _or_no_such_data():
    try:
        with np.errstate(all="ignore"):
            yield
    except Exception as error:
        raise NoSuchDataError from error


@dataclass(frozen=True)
class Table:
    """Data of some rows and columns."""

    n_rows: int
    n_columns: int
    values: str = "normal"
    dtype: str = "float64"
    container: str = "array"
    seed: int = 0

    def build(self) -> Any:
        rng = np.random.default_rng(self.seed)
        values = VALUES[self.values](rng, (self.n_rows, self.n_columns))
        with _or_no_such_data():
            return CONTAINERS[self.container](DTYPES[self.dtype](values))


# From indices of classes, an array of integers below 3.
LABELS: dict[str, Callable[[np.ndarray], Any]] = {
    "ints": lambda k: k,
    "bools": lambda k: k > 0,
    "negative": lambda k: -k * 7,
    "huge": lambda k: k + (2**62),
    "int8": lambda k: (k - 128).astype(np.int8),
    "uint64": lambda k: k.astype(np.uint64) + np.uint64(2**63),
    "whole floats": lambda k: k * 1.0,
    "float16": lambda k: k.astype(np.float16),
    "signed zeros": lambda k: np.array([0.0, -0.0, 1.0])[k],
    "huge floats": lambda k: np.array([0.0, -1e300, 1e300])[k],
    "strings": lambda k: np.array(["", "é", "nan"])[k],
    "objects": lambda k: np.array(["a", "b", "a longer one"], object)[k],
    "variable strings": lambda k: np.array(["a", "b", "c"], np.dtypes.StringDType())[k],
    "object ints": lambda k: k.astype(object),
    "huge object ints": lambda k: np.array([int(i) * 10**30 for i in k], object),
    "list": lambda k: k.tolist(),
    "list of strings": lambda k: [str(i) for i in k],
    "tuple of bools": lambda k: tuple(bool(i) for i in k),
    "read-only": lambda k: np.broadcast_to(k, (2, len(k)))[1],
    "backwards": lambda k: k[::-1],
    "memmap": lambda k: _memmap(k),
    "column": lambda k: k[:, None],
    "masked": lambda k: np.ma.masked_array(k, k == 0),
    "series": lambda k: pd.Series(k, index=k),
    "nullable": lambda k: pd.Series(k, dtype="Int64"),
    "nullable bools": lambda k: pd.Series(k > 0, dtype="boolean"),
    "pandas strings": lambda k: pd.Series(k.astype(str), dtype="string"),
    "categorical": lambda k: pd.Series(pd.Categorical.from_codes(k, ["b", "c", "a"])),
    "unused categories": lambda k: pd.Categorical.from_codes(k, list("dcba"), ordered=True),
    "categorical ints": lambda k: pd.Series(pd.Categorical.from_codes(k, [5, 3, -1])),
    "data frame": lambda k: pd.DataFrame({"y": k}),
    "polars": lambda k: pl.Series(k),
    "polars strings": lambda k: pl.Series(k.astype(str)),
    "polars categorical": lambda k: pl.Series(k.astype(str), dtype=pl.Categorical),
    "indicators": lambda k: np.stack([k > 0, k > 1], axis=1).astype(int),
    "bool indicators": lambda k: np.stack([k > 0, k > 1], axis=1),
    "list of indicators": lambda k: np.stack([k > 0, k > 1], axis=1).astype(int).tolist(),
    "float indicators": lambda k: np.stack([k > 0, k > 1], axis=1).astype(float),
    "one class": lambda k: np.zeros_like(k),
    # From here on, hardly one can be trained on.
    "bytes": lambda k: np.array([b"a", b"b", b"c"])[k],
    "mixed": lambda k: np.array([1, "a", 2.5], object)[k],
    "list of mixed": lambda k: [[1, "a", None][i] for i in k],
    "none among strings": lambda k: np.array(["a", None, "b"], object)[k],
    "nan among strings": lambda k: np.array(["a", np.nan, "b"], object)[k],
    "nan": lambda k: np.array([0.0, np.nan, 1.0])[k],
    "inf": lambda k: np.array([0.0, np.inf, 1.0])[k],
    "fractions": lambda k: k / 2,
    "complex": lambda k: k + 1j,
    "dates": lambda k: k.astype("datetime64[D]"),
    "list of dates": lambda k: [datetime(2020, 1, 1 + i) for i in k],
    "timedeltas": lambda k: k.astype("timedelta64[s]"),
    "tuples": lambda k: [(int(i), "a") for i in k],
    "sets": lambda k: [{int(i)} for i in k],
    "nullable with NA": lambda k: pd.Series(np.where(k, k, None), dtype="Int64"),
    "strings with NA": lambda k: pd.Series(np.where(k, "a", None), dtype="string"),
    "categorical with NA": lambda k: pd.Series(pd.Categorical.from_codes(k - 1, list("ab"))),
    "polars with null": lambda k: pl.Series([None, *k[1:].tolist()]),
    "sparse": lambda k: sparse.csr_array(np.stack([k > 0, k > 1], axis=1).astype(int)),
    "several outputs": lambda k: np.stack([k, 2 - k], axis=1),
    "three axes": lambda k: k[:, None, None],
    "no columns": lambda k: np.zeros((len(k), 0)),
    "too long": lambda k: np.append(k, 0),
    "too short": lambda k: k[1:],
    "empty": lambda k: k[:0],
    "scalar": lambda k: 1,
    "text": lambda k: "labels",
    "none": lambda k: None,
    "dict": lambda k: dict(enumerate(k)),
    "records": lambda k: np.rec.fromarrays([k, k]),
}
GOOD_LABELS = list(LABELS)[: list(LABELS).index("one class") + 1]


@dataclass(frozen=True)
class Labels:
    """Labels of some rows."""

    n_rows: int
    n_classes: int
    kind: str = "ints"
    seed: int = 0

    def build(self) -> Any:
        rng = np.random.default_rng(self.seed)
        with _or_no_such_data():
            return LABELS[self.kind](rng.integers(0, self.n_classes, self.n_rows))


@dataclass(frozen=True)
class Targets:
    """Numbers to predict, of one column or more."""

    table: Table

    def build(self) -> Any:
        y = self.table.build()
        flat = isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1
        return y[:, 0] if flat else y


WEIGHTS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "none": lambda rng, n: None,
    "random": lambda rng, n: rng.uniform(size=n),
    "ints": lambda rng, n: rng.integers(0, 3, n),
    "bools": lambda rng, n: rng.integers(0, 2, n) > 0,
    "list": lambda rng, n: rng.uniform(size=n).tolist(),
    "series": lambda rng, n: pd.Series(rng.uniform(size=n), index=[3] * n),
    "polars": lambda rng, n: pl.Series(rng.uniform(size=n)),
    "nullable": lambda rng, n: pd.Series(rng.integers(1, 3, n), dtype="Int64"),
    "objects": lambda rng, n: rng.uniform(size=n).astype(object),
    "float16": lambda rng, n: rng.uniform(size=n).astype(np.float16),
    "read-only": lambda rng, n: np.broadcast_to(np.array(2.0), n),
    "scalar": lambda rng, n: 2.5,
    "one row": lambda rng, n: np.eye(n + 1)[0][:n],
    "tiny": lambda rng, n: np.full(n, 5e-324),
    "huge": lambda rng, n: np.full(n, 1.7e308),
    "of all scales": lambda rng, n: 10.0 ** rng.integers(-320, 308, n),
    "large": lambda rng, n: rng.uniform(size=n) * 1e30,
    # From here on, none can be used.
    "zeros": lambda rng, n: np.zeros(n),
    "scalar 0": lambda rng, n: 0,
    "negative": lambda rng, n: rng.normal(size=n),
    "nan": lambda rng, n: np.full(n, np.nan),
    "inf": lambda rng, n: np.append(np.ones(n - 1), np.inf) if n else np.ones(n),
    "beyond floats": lambda rng, n: [10**400] * n,
    "too long": lambda rng, n: np.ones(n + 1),
    "empty": lambda rng, n: np.ones(0),
    "two axes": lambda rng, n: np.ones((n, 1)),
    "strings": lambda rng, n: ["a"] * n,
    "text": lambda rng, n: "balanced",
    "complex": lambda rng, n: np.ones(n) + 1j,
    "dates": lambda rng, n: np.arange(n).astype("datetime64[s]"),
    "nones": lambda rng, n: [None] * n,
    "sparse": lambda rng, n: sparse.csr_array(np.ones((1, n))),
    "dict": lambda rng, n: {0: 1.0},
    "NA": lambda rng, n: pd.Series([None] * n, dtype="Float64"),
}
GOOD_WEIGHTS = list(WEIGHTS)[: list(WEIGHTS).index("large") + 1]


@dataclass(frozen=True)
class Weights:
    """Weights of some rows."""

    n_rows: int
    kind: str = "none"
    seed: int = 0

    def build(self) -> Any:
        with _or_no_such_data():
            return WEIGHTS[self.kind](np.random.default_rng(self.seed), self.n_rows)
