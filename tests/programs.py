"""Where XLA keeps what it compiles for tests and examples, from one run to the next."""

import hashlib
import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

# Days after which a program is deleted, and compiled anew where it is still asked for.
DAYS = 14
# The TensorFlow that was seen to write a file apart and then rename it: a part of a program, left
# by a process that was killed, would be an error.
WHOLE = (2, 21)


def keep_programs():
    """Have XLA load what an earlier run has compiled; call this before Keras is imported.

    Compiling is most of what tests and examples take, and a program that is loaded gives the same
    bits. It is machine code: each processor and each version has a folder of its own.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow" and tuple(map(int, version(backend).split(".")[:2])) < WHOLE:
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sknoise-tests")
    folder = cache / f"{backend}-{version(backend)}-{processor()}"
    folder.mkdir(parents=True, exist_ok=True)
    for program in folder.iterdir():
        # Another process may delete it first.
        if program.is_file() and time.time() - program.stat().st_mtime > DAYS * 86400:
            program.unlink(missing_ok=True)
    os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={folder}")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def processor():
    """Name what machine code depends on."""
    facts = platform.machine() + platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = re.findall(r"^(?:model name|flags).*", Path("/proc/cpuinfo").read_text(), re.M)
        facts += "".join(lines[:2])
    return hashlib.sha256(facts.encode()).hexdigest()[:12]
