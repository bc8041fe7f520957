"""``show_versions`` and ``python -m sknoise``, in a fresh process."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

from sknoise import __version__, show_versions


def test_python_m_sknoise_prints_what_show_versions_prints(capsys):
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sknoise"],
        capture_output=True,
        text=True,
        check=True,
    )
    show_versions()
    ours, theirs = (
        # A path has more than one name.
        [line for line in text.splitlines() if "executable:" not in line]
        for text in (capsys.readouterr().out, run.stdout)
    )
    assert ours == theirs
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "sknoise" in imported
    assert not imported & {"tensorflow", "keras", "matplotlib"}


def test_all_that_is_declared_is_there(capsys):
    show_versions()
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"sknoise: {__version__}"
    assert f"numpy: {version('numpy')}" in lines
    assert any(line.startswith(f"python: {sys.version.split()[0]}") for line in lines)
    declared = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    optional = declared["optional-dependencies"]
    names = {line.partition(":")[0] for line in lines}
    for each in declared["dependencies"] + optional["plot"] + optional["dask"]:
        assert Requirement(each).name in names


def test_what_is_missing_is_told(capsys, monkeypatch):
    monkeypatch.setattr("sknoise._versions._OPTIONAL", ("no-such-distribution",))
    show_versions()
    assert "no-such-distribution: not installed" in capsys.readouterr().out
