"""What has been fitted, one line of JSON a fit: so that a run goes on where one ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Key = tuple[str, str, int]


def key(row: Row) -> Key:
    """Say which fit a row is: of which set, model and split."""
    return row["set"], row["model"], row["split"]


def load(path: Path) -> dict[Key, Row]:
    """Read all fits of a file, none if there is no file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        The rows by `key`, the last of a key; without a line that was cut off as it was written.
    """
    rows = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows[key(row)] = row
    return rows


def append(path: Path, row: Row) -> None:
    """Write a fit, on a line of its own even after one that was cut off.

    Parameters
    ----------
    path : Path
        The file, which is made if there is none.
    row : dict
        The fit.
    """
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(row).encode() + b"\n")
