"""Letting it choose: noise, penalty and length
==============================================

``NoisyMLPClassifierCV`` trains all candidates on all folds as one stack, and every network tells
its loss on held-out rows after every epoch. What that looks like, on the wines of scikit-learn.
"""

# %%
# Three penalties with four levels of noise on the input, five folds, sixty networks. The search
# takes one call of ``fit``, and says in words what it has found.

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknoise import NoisyMLPClassifierCV
from sknoise.plotting import SearchMapDisplay, TrainingCurveDisplay

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=60, stratify=y, random_state=0
)
scaler = StandardScaler().fit(X_train)
clf = NoisyMLPClassifierCV(
    100, alphas=[0.01, 0.1, 1], noise_inputs=[0, 0.1, 0.3, 1], random_state=0
).fit(scaler.transform(X_train), y_train)
print(clf.summary())
print(f"temperature {clf.temperature_:.2f}")
print(f"accuracy on {len(y_test)} other wines: {clf.score(scaler.transform(X_test), y_test):.3f}")

# %%
# The map has each candidate at its own best length. The curves are those of the chosen candidate,
# means over the folds: where the dashed line is lowest, its networks were taken.

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
SearchMapDisplay.from_search(clf, "noise_input", "alpha", ax=axes[0])
TrainingCurveDisplay.from_estimator(clf, metrics="loss", ax=axes[1])
axes[1].axvline(clf.n_iter_, color="black", lw=0.8, ls=":")

# %%
# The loss on held-out rows of all candidates. With a weak penalty and no noise it falls fast and
# rises again, and a short training is the best one; noise and penalty flatten the curve, and the
# length then matters little.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
curves = clf.cv_results_["loss_curves"].mean(axis=1)
for curve, candidate in zip(curves, clf.cv_results_["params"], strict=True):
    if candidate["alpha"] != 1:
        label = f"alpha {candidate['alpha']:g}, noise {candidate['noise_input']:g}"
        ax.plot(
            range(1, len(curve) + 1),
            curve,
            label=label,
            ls="-" if candidate["alpha"] == 0.1 else ":",
        )
ax.set(xlabel="epoch", ylabel="log-loss on held-out rows", xscale="log", yscale="log")
ax.legend(fontsize="small")
