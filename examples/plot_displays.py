"""Curves, maps, robustness: the Displays
======================================

Draw what training, a search and noise on the test inputs did, each in one call.

Forty points of two moons to learn from, two thousand to test on. A Display is made by
``from_...``, which computes; it keeps the arrays, and ``plot`` draws them again elsewhere.
"""

# %%
# Training curves
# ---------------
# Five seeds each of a network without noise, and of one with noise on its input. The line is the
# mean and the band its 95% interval. ``diagnose`` says by a stated rule what the eye sees: a
# validation loss that has risen far above its least value and far above the training loss is an
# overfit.

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

from sknoise import NoisyMLPClassifier
from sknoise.plotting import TrainingCurveDisplay

X, y = make_moons(n_samples=2040, noise=0.3, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=40, random_state=0)


def fit(noise, seed=0, epochs=1000):
    model = NoisyMLPClassifier(
        100, noise_input=noise, noise_hidden=0, alpha=0, epochs=epochs, random_state=seed
    )
    return model.fit(X_train, y_train, X_val=X_test, y_val=y_test)


fits = {
    "too few epochs": [fit(0, seed, epochs=10) for seed in range(5)],
    "no noise": [fit(0, seed) for seed in range(5)],
    "input noise of 0.3": [fit(0.3, seed) for seed in range(5)],
}
fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for ax, (name, models) in zip(axes, fits.items(), strict=True):
    found = TrainingCurveDisplay.from_estimator(models, ax=ax).diagnose()
    ax.set_title(f"{name}: {found.verdict}")
    print(f"{name:18s}  {found.verdict:8s}  rise {found.rise:.2f}, gap {found.gap:.2f}")

# %%
# The noise curve
# ---------------
# Does noise help, where, and how much? ``noise_curve`` repeats a cross-validation on the forty
# points, with each level at its own best length of training. Bands are of the paired difference to
# no noise: a band that leaves the dashed line is a clear difference. The verdict is corrected for
# having chosen the best of many. The second one is where all levels train as long as the network
# is told to, so that noise can have the credit for what stopping earlier does.

from sklearn.model_selection import RepeatedStratifiedKFold

from sknoise import noise_curve
from sknoise.plotting import NoiseCurveDisplay

clf = NoisyMLPClassifier(100, alpha=0, epochs=1000)
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0)
curve = noise_curve(clf, X_train, y_train, cv=folds, random_state=0)
print(curve.helps)
print(curve.at_length[1].helps)
print(f"Least noise within one standard error of the best: {curve.one_se_}")

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for ax, metric in zip(axes, ["log_loss", "accuracy"], strict=True):
    NoiseCurveDisplay.from_curve(curve, metric=metric, ax=ax)

# %%
# The map of a search
# -------------------
# Any two parameters of a search; the others are at their best in each cell.

import joblib
from sklearn.model_selection import GridSearchCV

from sknoise.plotting import SearchMapDisplay

grid = {
    "noise_input": [0, 0.03, 0.1, 0.3, 1],
    "noise_hidden": [0, 0.03, 0.1, 0.3, 1],
    "nodes": [20, 100],
}
search = GridSearchCV(
    NoisyMLPClassifier(alpha=0, epochs=1000, random_state=0), grid, scoring="neg_log_loss"
)
with joblib.parallel_config(backend="sknoise"):
    search.fit(X_train, y_train)
display = SearchMapDisplay.from_search(search, "noise_input", "noise_hidden")

# %%
# Robustness
# ----------
# The score against noise on the *test* inputs, with the same draws for all models, which may be
# any of scikit-learn's.

from sklearn.ensemble import RandomForestClassifier

from sknoise.plotting import RobustnessDisplay

models = {
    "no noise": fits["no noise"][0],
    "input noise of 0.3": fits["input noise of 0.3"][0],
    "random forest": RandomForestClassifier(random_state=0).fit(X_train, y_train),
}
display = RobustnessDisplay.from_estimators(
    models, X_test, y_test, noise_levels=[0, 0.1, 0.2, 0.4, 0.8], random_state=0
)
