"""The layout: few rooms, each with one job, and files that know few others.

Which room may import which other is in pyproject.toml, and checked by import-linter.
"""

import ast
from pathlib import Path

import grimp
import pytest

import sknoise

HOUSE = Path(sknoise.__file__).parent
ROOMS = sorted(path.parent.name for path in HOUSE.glob("*/__init__.py"))
# Rooms of the tests that stand beside the house: what several of them share, and the fuzz test.
BESIDE = {"fuzz", "oracles"}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("sknoise", exclude_type_checking_imports=False)


def test_the_house_has_few_rooms():
    rooms = {path.name for path in HOUSE.iterdir()} - {"__init__.py", "__pycache__"}
    assert len(rooms) <= 14


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_in_a_line(room):
    doc = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text()))
    assert len(doc.splitlines()) == 1
    assert doc.endswith(".")


def test_tests_mirror_the_rooms():
    folders = {path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")}
    assert folders - BESIDE == set(ROOMS)


def test_no_module_imports_more_than_eight_others(graph):
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # A facade gives on what is in its own room.
    own = {m: {i for i in of if not i.startswith(f"{m}.")} for m, of in imports.items()}
    own["sknoise"] = imports["sknoise"]
    assert {m: sorted(of) for m, of in own.items() if len(of) > 8} == {}
    assert len(own) > 50
