"""Runs the Python blocks of the pages, those of a page one after the other."""

import os
from tempfile import TemporaryDirectory

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

# Sphinx runs these.
collect_ignore_glob = ["*.py", "_build", "auto_examples"]


@pytest.fixture(scope="module")
def in_new_folder():
    """Let pages write files."""
    before = os.getcwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        yield
        os.chdir(before)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    excludes=["_build/**"],
    fixtures=["in_new_folder"],
).pytest()
