"""Python that leaves docstrings and asserts out."""

import subprocess
import sys


def test_python_may_leave_docstrings_out():
    code = "from sknoise import NoisyMLPClassifier as C; print(C.__doc__, C(nodes=3))"
    run = subprocess.run(
        [sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "None NoisyMLPClassifier(nodes=3)"
