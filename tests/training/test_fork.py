"""A process forked after a fit: it predicts, and training is a clear error, not a hang."""

import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone

from sknoise import NoisyMLPClassifier
from tests.waiting import LONG


def answers(clf, X, y):
    """Say what happens to predictions, a fit, and a Keras model; show what is shown."""
    told = [clf.predict_proba(X)]
    assert "model_" not in dir(clf)
    assert clf._repr_html_()
    for use in (lambda: clone(clf).fit(X, y), lambda: clf.model_):
        try:
            told.append(use())
        except RuntimeError as error:
            told.append(str(error))
    return told


@pytest.mark.timeout(LONG)
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_fifty_forks(circles):
    X, _, y, _ = circles
    clf = NoisyMLPClassifier(nodes=5, epochs=2, random_state=0).fit(X, y)
    context = multiprocessing.get_context("fork")
    with context.Pool(5, maxtasksperchild=1) as pool:
        for p, fit, model in pool.starmap(answers, [(clf, X, y)] * 50, chunksize=1):
            np.testing.assert_array_equal(p, clf.predict_proba(X))
            assert "'spawn'" in fit
            assert "'spawn'" in model
    clone(clf).fit(X, y)


# Each case in a process of its own, forked from one that has imported all and used nothing.
OTHERS = """
import multiprocessing
import sys
import keras
import numpy as np
import sklearn
import tensorflow as tf

fork = multiprocessing.get_context("fork")

def fit(_=None):
    from sknoise import NoisyMLPClassifier
    try:
        NoisyMLPClassifier(5, epochs=1).fit(np.eye(4), [0, 1, 0, 1])
        return "fitted"
    except RuntimeError as error:
        return str(error)

def case(before):
    exec(before)
    with fork.Pool(1) as pool:
        print(pool.map(fit, [0])[0])
    print(fit(), flush=True)

for before in sys.argv[1:]:
    process = fork.Process(target=case, args=[before])
    process.start()
    process.join()
"""
USED = "forked after TensorFlow had been used"
CASES = {
    "import sknoise; tf.reduce_sum([1.0])": USED,
    "import sknoise; list(tf.data.Dataset.range(3))": USED,
    "import sknoise": "fitted",
    "tf.reduce_sum([1.0])": USED,
}


@pytest.mark.timeout(LONG)
def test_whoever_has_used_tensorflow_before():
    command = [sys.executable, "-W", "ignore", "-c", OTHERS, *CASES]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONG)
    told = out.stdout.splitlines()
    assert len(told) == 2 * len(CASES)
    for expected, child, parent in zip(CASES.values(), told[::2], told[1::2], strict=True):
        assert expected in child
        assert parent == "fitted"
