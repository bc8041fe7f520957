"""Runs the tests that touch other libraries on oldest and newest versions of these: ``nox``.

Each cell writes its row of the table in ``docs/versions.md``. ``nox -s 'versions(lowest)'`` runs
one cell; what follows ``--`` goes to pytest.
"""

import shutil
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = True

PAGE = Path("docs/versions.md")
SHOWN = ("scikit-learn", "tensorflow", "keras", "scikeras", "numpy", "scipy", "joblib", "rich")

LOWEST = [
    requirement.replace(">=", "==")
    for requirement in nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
]
# scikit-learn up to 1.8 reads the names of features by a protocol that polars 2 has not got.
NAMED = "polars<2"
# Each supported version of scikit-learn, TensorFlow and Python at least once, old ones beside new
# ones, and with each TensorFlow the oldest Keras that it accepts or a later one.
CELLS = {
    "lowest": ("3.11", [*LOWEST, NAMED]),
    "tensorflow-2.18": ("3.12", ["scikit-learn==1.9.*", "tensorflow==2.18.*"]),
    "tensorflow-2.19": (
        "3.11",
        ["scikit-learn==1.8.*", "tensorflow==2.19.*", "keras==3.8.*", NAMED],
    ),
    "tensorflow-2.20": (
        "3.12",
        ["scikit-learn==1.7.*", "tensorflow==2.20.*", "keras==3.10.*", NAMED],
    ),
    "scikit-learn-1.6": (
        "3.13",
        ["scikit-learn==1.6.*", "tensorflow==2.21.*", "keras==3.12.*", NAMED],
    ),
    "newest": ("3.13", []),
    "python-3.14": ("3.14", []),
    "jax-0.8": ("3.12", ["jax==0.8.*"]),
}
# The cells in which Keras runs on JAX.
ON_JAX = {"jax-0.8"}
# What touches another library, in a few minutes: scikit-learn's checks of one classifier and one
# regressor, and not what is slow for another reason.
TESTS = [
    "tests/test_deprecations.py",
    "tests/estimators/test_checks.py",
    "--deselect=tests/estimators/test_checks.py::test_options",
    "--deselect=tests/estimators/test_checks.py::test_estimators[NoisyMLPClassifier(dropout",
    "--deselect=tests/estimators/test_checks.py::test_a_warm_start_fails_only_checks_that_ask_for_a_cold_one",
    "tests/estimators/test_classifier.py",
    "tests/tasks/test_bad_input.py",
    "tests/engines/test_callbacks.py",
    "tests/engines/test_engines.py",
    "tests/estimators/test_prediction.py",
    "tests/estimators/test_html_repr.py",
    "tests/engines/test_interrupt.py",
    "tests/export/test_onnx.py",
    "tests/estimators/test_persistence.py",
    "--deselect=tests/estimators/test_persistence.py::test_writing_apart",
    # It needs JAX, too.
    "--deselect=tests/estimators/test_persistence.py::test_a_model_of_one_backend_goes_on_on_the_other",
    "tests/estimators/test_plugs_in.py",
    "--deselect=tests/estimators/test_plugs_in.py::test_the_articles_grid_search",
    "tests/test_show_versions.py",
    "tests/noise/test_philox.py::test_agrees_with_the_oracle",
    "tests/parallel/test_backend.py::test_grid_search_multimetric_with_train_scores",
    "tests/parallel/test_backend.py::test_halving_search_over_epochs",
    "tests/parallel/test_backend.py::test_agrees_with_the_same_call_without",
    "tests/plotting",
    "tests/training/test_early.py::test_stops_and_restores_as_keras_does",
    "tests/training/test_program.py::test_agrees_with_numpy_with_the_same_draws[all at once]",
    "tests/training/test_progress.py",
    "tests/training/test_spec.py",
]


@nox.session
@nox.parametrize(
    ("python", "cell"), [nox.param(python, cell, id=cell) for cell, (python, _) in CELLS.items()]
)
def versions(session: nox.Session, cell: str) -> None:
    """Run a cell."""
    extras = "test,jax" if cell in ON_JAX else "test"
    session.install("--editable", f".[{extras}]", *CELLS[cell][1])
    results = Path(session.create_tmp(), "results.xml")
    session.run(
        "python",
        "-m",
        "pytest",
        f"--junit-xml={results}",
        *(["-m", "not tensorflow"] if cell in ON_JAX else []),
        *TESTS,
        *session.posargs,
        env={
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": "jax" if cell in ON_JAX else "tensorflow",
        },
        success_codes=[0, 1],
    )
    counts = ElementTree.parse(results).find("testsuite").attrib  # noqa: S314  # our pytest's
    failed = int(counts["failures"]) + int(counts["errors"])
    skipped = int(counts["skipped"])
    passed = int(counts["tests"]) - failed - skipped
    write_row([cell, *installed(session), passed, failed, skipped, date.today()])
    if failed:
        session.error(f"{failed} tests failed.")
    # It takes 2.6 GB.
    shutil.rmtree(session.virtualenv.location)


def installed(session: nox.Session) -> list[str]:
    """Give the versions of Python and of the libraries that are shown."""
    code = (
        "import platform; from importlib.metadata import version; "
        f"print(platform.python_version(), *map(version, {SHOWN}))"
    )
    return session.run("python", "-c", code, silent=True).split()


def write_row(row: list[object]) -> None:
    """Write a row of the table, which ends the page, in the place of the cell's last one."""
    *text, table = PAGE.read_text().split("\n\n")
    rows = {line.split(" | ")[0]: line for line in table.splitlines()}
    line = f"| {' | '.join(map(str, row))} |"
    rows[line.split(" | ")[0]] = line
    PAGE.write_text("\n\n".join([*text, "\n".join(rows.values()) + "\n"]))
