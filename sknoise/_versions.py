"""The version, and ``show_versions``: what a report of a bug needs to say."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import joblib

__version__ = "0.1.0"

_DEPENDENCIES = (
    "scikit-learn",
    "tensorflow",
    "keras",
    "scikeras",
    "numpy",
    "scipy",
    "joblib",
    "rich",
)
_OPTIONAL = ("matplotlib", "distributed", "skl2onnx", "pandas", "polars")


def show_versions() -> None:
    """Print the versions of sknoise, its dependencies and the system.

    ``python -m sknoise`` prints the same. TensorFlow is not imported.

    Examples
    --------
    >>> from sknoise import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    sknoise: ...
    """
    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        # Those that this process may use, as joblib counts them.
        "cores": f"{joblib.cpu_count()}, physical {joblib.cpu_count(only_physical_cores=True)}",
    }
    parts = {
        "System": system,
        "Dependencies": {name: _version(name) for name in _DEPENDENCIES},
        "Optional": {name: _version(name) for name in _OPTIONAL},
    }
    print(f"sknoise: {__version__}")
    for title, lines in parts.items():
        print(f"\n{title}:")
        for name, text in lines.items():
            print(f"{name:>14}: {text}")


def _version(name: str) -> str:
    """Read the version of a distribution without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
