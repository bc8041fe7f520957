"""Random trees of jobs that train, sleep, fail and nest: all of them end."""

import random
import time
from types import SimpleNamespace

import joblib
import numpy as np
import pytest

from sknoise.parallel import StackBackend, current_job
from sknoise.parallel import _scheduler as scheduler_module
from tests.parallel.helpers import check_all_threads_end
from tests.waiting import LONG

pytestmark = pytest.mark.timeout(LONG)

TASK = SimpleNamespace(epochs=1, data=SimpleNamespace(arrays=[np.zeros(10)]))


class ExpectedError(Exception):
    """What jobs and stacks of this file raise."""


class Fake:
    """Workers that train nothing, fail now and then, and answer in any order."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def most_networks(self):
        return 64

    def train(self, tasks, stacks, watch):
        for stack in self.random.sample(stacks, len(stacks)):
            time.sleep(self.random.choice([0, 0.001]))
            watch(stack, len(stack))
            failed = self.random.random() < 0.1
            yield stack, [ExpectedError() if failed else "trained"] * len(stack)

    def forget(self):
        pass


def tree(seed, depth):
    """Do some random things; give how often training was asked for."""
    chance = random.Random(seed)
    n_trained = 0
    for _ in range(chance.randint(1, 3)):
        what = chance.choice(["train", "train", "nest", "sleep", "fail"])
        try:
            if what == "train":
                job = current_job()
                n_trained += job.scheduler.train(job, TASK, False) == "trained"
            elif what == "sleep":
                time.sleep(0.002)
            elif what == "fail" and chance.random() < 0.3:
                raise ExpectedError
            elif what == "nest" and depth:
                seeds = [chance.random() for _ in range(chance.randint(1, 5))]
                parallel = joblib.Parallel(n_jobs=chance.choice([-1, 1, 2, 5]))
                n_trained += sum(parallel(joblib.delayed(tree)(s, depth - 1) for s in seeds))
        except ExpectedError:
            if chance.random() < 0.3:
                raise
    return n_trained


# The last three once waited for ever.
@pytest.mark.parametrize("seed", [*range(40), 87, 143, 194])
def test_every_tree_ends(seed, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(scheduler_module, "MAX_WAITING", chance.choice([1, 3, 512]))
    size = chance.choice([1, 4])
    monkeypatch.setattr(
        scheduler_module,
        "plan_stacks",
        lambda tasks, *_: [
            list(range(len(tasks)))[i : i + size] for i in range(0, len(tasks), size)
        ],
    )
    backend = StackBackend(max_bytes=chance.choice([100, 2**30]))
    backend._scheduler._workers = Fake(seed)
    with joblib.parallel_config(backend=backend):
        for n_jobs in (-1, 3):
            jobs = (joblib.delayed(tree)(f"{seed} {i}", 3) for i in range(6))
            try:
                counts = joblib.Parallel(n_jobs=n_jobs)(jobs)
            except ExpectedError:
                continue
            assert len(counts) == 6
    check_all_threads_end()
    assert backend._scheduler._n_running == 0
    assert not backend._scheduler._expected
