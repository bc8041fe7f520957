"""How pytest runs here: which tests share a process, and where compiled programs are kept."""

import hashlib
import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

import pytest

# Days after which a program that no test has written anew is deleted.
DAYS = 14


def pytest_configure():
    """Have XLA keep what it compiles, which is most of what the tests take, for the next run.

    Loading a program gives the same bits as compiling it. It is machine code: each processor and
    each TensorFlow has a folder of its own.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "sknoise-tests")
    folder = cache / f"tensorflow-{version('tensorflow')}-{processor()}"
    folder.mkdir(parents=True, exist_ok=True)
    for program in folder.glob("*.pb"):
        if time.time() - program.stat().st_mtime > DAYS * 86400:
            program.unlink(missing_ok=True)
    os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={folder}")


def processor():
    """Name what machine code depends on."""
    facts = platform.machine() + platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = re.findall(r"^(?:model name|flags).*", Path("/proc/cpuinfo").read_text(), re.M)
        facts += "".join(lines[:2])
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


def pytest_itemcollected(item):
    """Keep together what compiles the same: a file; of scikit-learn's checks, an estimator."""
    group = item.nodeid.partition("::")[0]
    if item.path.name == "test_checks.py" and getattr(item, "callspec", None):
        group += str(item.callspec.params.get("estimator"))
    # pytest-xdist puts the name at the end of the test's, after an @.
    item.add_marker(pytest.mark.xdist_group(hashlib.sha256(group.encode()).hexdigest()[:8]))
