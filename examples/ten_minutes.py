"""Ten minutes with sknoise
========================

Fit a network to little data by its defaults, see another one overfit, add noise, and let a search
choose how much.
Everything here is scikit-learn's: ``fit``, ``predict_proba``, pipelines, searches.
"""

# %%
# A first network
# ---------------
# Forty points of two overlapping moons to learn from, two thousand to test on. With nothing said,
# the data decide. How long the network trains, and in how large steps, follows from the number of
# rows; noise and a penalty on the weights from ``unexplained_``, the fraction of the labels'
# variance that the features leave unexplained.

from sklearn.datasets import make_moons
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknoise import NoisyMLPClassifier

X, y = make_moons(n_samples=2040, noise=0.3, random_state=0)
parts = train_test_split(X, y, train_size=40, random_state=0)
X_train, X_test, y_train, y_test = parts

clf = NoisyMLPClassifier(random_state=0)
clf.fit(X_train, y_train)


def report(name, model):
    accuracy = model.score(X_test, y_test)
    loss = log_loss(y_test, model.predict_proba(X_test))
    print(f"{name:12s} test accuracy {accuracy:.3f}   log-loss {loss:.3f}")


report("defaults", clf)
print(f"{clf.n_iter_} epochs, unexplained {clf.unexplained_:.2f}")

# %%
# The log-loss is the mean of -log(p), where p is the probability that the network gave to the true
# class: it punishes whoever is sure and wrong. Who gives each of two classes one half has 0.693.
#
# A network that overfits
# -----------------------
# A hundred hidden units, a thousand epochs, neither noise nor penalty. It is right more often, and
# yet its log-loss is larger: where it is wrong, it is far too sure.

options = {"nodes": 100, "alpha": 0, "epochs": 1000, "random_state": 0}
plain = NoisyMLPClassifier(noise_input=0, noise_hidden=0, **options)
plain.fit(X_train, y_train, X_val=X_test, y_val=y_test)
report("no noise", plain)

# %%
# Noise
# -----
# The same network, with noise on its input: in each step of the training, and only there, a fresh
# draw of standard deviation 0.3 is added to each coordinate. Prediction is without noise.

noisy = NoisyMLPClassifier(noise_input=0.3, noise_hidden=0, **options)
noisy.fit(X_train, y_train, X_val=X_test, y_val=y_test)
report("input noise", noisy)

# %%
# What changed is the boundary, and how sure the network is near it.

import matplotlib.pyplot as plt
from sklearn.inspection import DecisionBoundaryDisplay

fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
models = {"no noise": plain, "input noise": noisy}
for ax, (title, model) in zip(axes, models.items(), strict=True):
    DecisionBoundaryDisplay.from_estimator(
        model, X, response_method="predict_proba", cmap="RdBu", vmin=0, vmax=1, ax=ax
    )
    ax.scatter(*X_train.T, c=y_train, cmap="RdBu", edgecolors="black", s=30)
    ax.set_title(title)

# %%
# ``history_`` has the loss of each epoch: on the validation data, if you gave some to ``fit``, as
# ``val_loss``. Without noise it soon rises, while the loss on the training data goes on falling.

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for name, model in models.items():
    ax.plot(model.history_["val_loss"], label=name)
ax.set(xlabel="epoch", ylabel="loss on the test points")
legend = ax.legend()

# %%
# How much noise?
# ---------------
# The defaults are a start, a careful one on so few rows: here, long training with much noise is
# better. How much, nobody knows beforehand: search. Features should be scaled, so that one level
# suits them all; that goes into a pipeline, as usual. One partition of forty rows into folds can
# choose almost anything, so it is repeated. ``backend="sknoise"`` trains the 320 networks of the
# search as a few stacks, in a fraction of the time; without it the code would be the same.

import joblib
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

mlp = NoisyMLPClassifier(**options)
pipeline = Pipeline([("scale", StandardScaler()), ("mlp", mlp)])
levels = [0, 0.1, 0.3, 1]
grid = {"mlp__noise_input": levels, "mlp__noise_hidden": levels}
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0)
search = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=folds)
with joblib.parallel_config(backend="sknoise"):
    search.fit(X_train, y_train)
print(search.best_params_)
report("searched", search.best_estimator_)

# %%
# Keep it
# -------
# A fitted model goes into a pickle, which loads and predicts without TensorFlow. ``model_`` is the
# Keras model, for all that Keras can do.

import pickle

again = pickle.loads(pickle.dumps(search.best_estimator_))
print((again.predict_proba(X_test) == search.predict_proba(X_test)).all())
print([layer.name for layer in search.best_estimator_["mlp"].model_.layers])
