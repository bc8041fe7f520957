"""Programs kept on disk: the folder, its seals and its bound, and the bits of what is trained."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sknoise.training._backends import _disk
from sknoise.training._stack import train_stack
from tests.training.tasks import make_task
from tests.waiting import LONG


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv(_disk.VARIABLE, str(tmp_path / "programs"))
    _disk.kept_in.cache_clear()
    yield tmp_path / "programs"
    _disk.kept_in.cache_clear()


def opened():
    """Open the folder as another process would."""
    _disk.kept_in.cache_clear()
    return _disk.kept_in("backend-1.0")


def write(path, content, age=0.0):
    path.write_bytes(content)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".seal")


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_kept_where_nobody_asks(monkeypatch, root, value):
    monkeypatch.delenv(_disk.VARIABLE)
    if value is not None:
        monkeypatch.setenv(_disk.VARIABLE, value)
    assert opened() is None
    assert not root.exists()


def test_each_version_and_processor_has_its_own_private_folder(root, monkeypatch):
    folder = opened()
    assert folder.parent == root
    assert not folder.stat().st_mode & 0o077
    assert opened() == folder
    assert _disk.kept_in("backend-1.1") != folder
    monkeypatch.setattr(_disk, "_processor", lambda: "another")
    assert opened() != folder


def test_what_is_not_as_it_was_sealed_goes(root, monkeypatch):
    folder = opened()
    for name in ("whole", "changed", "foreign"):
        write(folder / name, b"program " * 100)
    _disk.seal(folder)
    write(folder / "changed", b"program " * 99 + b"Program ")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(_disk, "_processor", lambda: "another")
        (folder / "foreign.seal").unlink()
        _disk.seal(folder)
    # A process was killed while it wrote this.
    write(folder / "part", b"program")
    assert names(opened()) == ["whole"]
    assert sorted(path.name for path in folder.iterdir()) == ["whole", "whole.seal"]


def test_the_oldest_go_where_there_are_too_many(root, monkeypatch):
    folder = opened()
    for age in range(4):
        write(folder / f"{age}", bytes(100), age)
    _disk.seal(folder)
    monkeypatch.setattr(_disk, "MAX_BYTES", 250)
    assert names(opened()) == ["0", "1"]


def test_two_processes_may_sweep_at_once(root, monkeypatch):
    folder = opened()
    write(folder / "kept", b"kept")
    _disk.seal(folder)
    # Listed before the other process deletes it.
    gone = folder / "gone"
    monkeypatch.setattr(_disk, "_entries", lambda folder: [gone, folder / "kept"])
    assert opened() == folder
    assert names(folder) == ["kept"]


def test_a_folder_that_cannot_be_used_is_told(root, monkeypatch):
    with pytest.warns(
        UserWarning, match=r"^Compiled programs are not kept, since SKNOISE_CACHE=.*"
    ):
        monkeypatch.setenv(_disk.VARIABLE, "/proc/nowhere")
        assert opened() is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="has no such rights")
def test_a_folder_that_others_can_write_to_is_not_used(root):
    folder = opened()
    folder.chmod(0o770)
    with pytest.warns(UserWarning, match=r"others can write to .*\. Give it a folder of your own"):
        assert opened() is None


def digests():
    """Hash what two trainings leave, each of a program of its own."""
    hashes = []
    for n_features in (3, 4):
        task = make_task(np.random.default_rng(0), n_features=n_features, epochs=3)
        (result,) = train_stack([task])
        weights = b"".join(w.tobytes() for w in result.state.weights)
        hashes.append(hashlib.sha256(weights).hexdigest())
    return hashes


@pytest.mark.timeout(LONG)
def test_a_program_from_disk_gives_the_same_bits(tmp_path):
    code = "from tests.training.test_disk import digests; print(digests())"
    # Without what keeps the tests' own programs.
    ours = {"TF_XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR"}
    environment = {k: v for k, v in os.environ.items() if k not in ours}
    environment[_disk.VARIABLE] = str(tmp_path)

    def run():
        command = [sys.executable, "-W", "error::UserWarning", "-c", code]
        root = Path(__file__).parents[2]
        out = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=root, env=environment
        )
        assert out.stdout.strip() == str(expected)
        (folder,) = tmp_path.iterdir()
        return folder, {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}

    expected = digests()
    folder, written = run()
    assert len(names(folder)) >= 2
    # One program is damaged: it is compiled anew.
    entry = max((folder / name for name in names(folder)), key=lambda path: path.stat().st_size)
    entry.write_bytes(entry.read_bytes()[:-1000] + bytes(1000))
    _, again = run()
    assert again.keys() == written.keys()
    anew = {name for name in written if again[name] != written[name]}
    assert anew == {entry.name, f"{entry.name}.seal"}
