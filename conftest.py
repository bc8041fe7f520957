"""How pytest runs here: which tests share a process, and that compiled programs are kept."""

from xdist.scheduler import LoadScopeScheduling

from tests.programs import keep_programs


def pytest_configure():
    """Keep programs from one run to the next; before anything imports TensorFlow."""
    keep_programs()


class Scheduling(LoadScopeScheduling):
    """Keeps together what compiles the same: a file; of scikit-learn's checks, an estimator."""

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        return test.partition("-check_")[0] if file.endswith("test_checks.py") else file


def pytest_xdist_make_scheduler(config, log):
    """Share the tests out to the processes."""
    return Scheduling(config, log)
