"""What the library does to the machine: no network, no processes, no files but its own."""

import subprocess
import sys

CODE = """
import os, sys, tempfile
import joblib, keras, numpy as np, scikeras.wrappers, tensorflow
from sklearn.model_selection import GridSearchCV
from sknoise import NoisyMLPClassifier, NoisyMLPRegressor, noise_curve

seen = []
FORBIDDEN = {"os.system", "os.exec", "os.fork", "os.posix_spawn", "os.rename", "pickle.find_class",
             "socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"}

def hook(event, arguments):
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in FORBIDDEN or event in ("os.mkdir", "os.remove", "os.rmdir"):
        seen.append((event, str(arguments[0])))

sys.addaudithook(hook)
X = np.random.default_rng(0).normal(size=(40, 2))
y = (X[:, 0] > 0).astype(int)
clf = NoisyMLPClassifier(5, epochs=2, early_stopping=True, random_state=0)
clf.fit(X, y).predict_proba(X)
clf.model_
NoisyMLPRegressor(5, epochs=2, engine="keras", random_state=0).fit(X, y).predict(X)
with joblib.parallel_config(backend="sknoise"):
    GridSearchCV(clf, {"noise_input": [0, 1]}, cv=2).fit(X, y)
noise_curve(clf, X, y, noise_levels=[0, 1], cv=2, random_state=0)
print(seen)
# The hook does hear what it is there for.
open("named", "w").close()
assert seen == [("open", "named")], seen
"""


def test_fits_predictions_and_searches_touch_neither_network_nor_files(tmp_path):
    command = [sys.executable, "-B", "-c", CODE]
    out = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (out.stdout, out.returncode) == ("[]\n", 0), out.stderr
