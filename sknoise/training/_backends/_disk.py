"""Compiled programs kept on disk for the next process, where an environment variable asks for it.

XLA keeps them itself. What is added here: a folder for each version and processor that nobody else
can write to, a bound on its size, and a seal for each file, without which it is not used.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import warnings
from pathlib import Path

# Holds the folder.
VARIABLE = "SKNOISE_CACHE"
# Some 200 programs. All are read when a process compiles its first: a tenth of a second.
MAX_BYTES = 100 * 2**20
_SEAL = ".seal"


@functools.cache
def kept_in(backend: str) -> Path | None:
    """Give the folder in which programs are kept, swept; None where they are not.

    Parameters
    ----------
    backend : str
        Name and version of what compiles.

    Warns
    -----
    UserWarning
        If the folder cannot be used.
    """
    root = os.environ.get(VARIABLE)
    if not root:
        return None
    try:
        folder = Path(root).expanduser() / f"{backend}-{_processor()[:12]}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_open(folder):
            raise PermissionError(f"others can write to {folder}")
        _sweep(folder)
    # The second where "~" has no home.
    except (OSError, RuntimeError) as error:
        warnings.warn(
            f"Compiled programs are not kept, since {VARIABLE}={root} cannot be used: {error}. "
            "Give it a folder of your own.",
            UserWarning,
            stacklevel=2,
        )
        return None
    return folder


def seal(folder: Path) -> None:
    """Seal what was written to a folder since."""
    for entry in _entries(folder):
        seal = entry.with_name(entry.name + _SEAL)
        if not seal.exists():
            try:
                seal.write_text(_digest(entry.read_bytes()))
            # The process that has swept it away meanwhile has not compiled it, and will.
            except OSError:
                continue


def _sweep(folder: Path) -> None:
    """Delete what has no seal, as of a process that was killed, or another; and the oldest."""
    left = MAX_BYTES
    for entry in sorted(_entries(folder), key=_modified, reverse=True):
        seal = entry.with_name(entry.name + _SEAL)
        try:
            content, sealed = entry.read_bytes(), seal.read_text()
        # There is no seal, or another process sweeps, too, and was here first.
        except FileNotFoundError:
            content, sealed = b"", ""
        left -= len(content)
        if left < 0 or sealed != _digest(content):
            entry.unlink(missing_ok=True)
            seal.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    """Tell when a file was written last; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and path.suffix != _SEAL]


def _is_open(folder: Path) -> bool:
    """Say whether others can write to a folder; where they have no such rights, nobody can."""
    if not hasattr(os, "getuid"):
        return False
    facts = folder.stat()
    return facts.st_uid != os.getuid() or bool(facts.st_mode & 0o022)


def _digest(content: bytes) -> str:
    # With the processor in it, a file from another one does not pass.
    return hashlib.blake2b(content, digest_size=16, key=_processor().encode()).hexdigest()


@functools.cache
def _processor() -> str:
    """Name what machine code depends on."""
    facts = platform.machine() + platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        facts += "".join(
            re.findall(r"^(?:model name|flags|Features).*", info.read_text(), re.M)[:2]
        )
    return hashlib.sha256(facts.encode()).hexdigest()
