"""``noise_curve``, which measures whether noise helps on some data, where, and how much."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.parallel import Parallel, delayed

from sknoise.inspection._checks import (
    Settings,
    Split,
    check_candidates,
    full_names,
    make_splits,
    read_levels,
    read_metrics,
    read_targets,
)
from sknoise.inspection._lengths import at_best_lengths, own_epochs, read_lengths, trained
from sknoise.inspection._result import NoiseCurve
from sknoise.inspection._scores import score
from sknoise.parallel import in_stacks
from sknoise.tasks import check_collected, draw_key

NOISE_LEVELS = (0, 0.03, 0.06, 0.12, 0.25, 0.5, 1, 2)
PARAM_NAMES = ("noise_input", "noise_hidden")


def noise_curve(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    noise_levels: Sequence[float] = NOISE_LEVELS,
    *,
    param_names: str | Sequence[str] = PARAM_NAMES,
    lengths: float | Sequence[float] | str | None = "auto",
    cv: Any = None,
    groups: Any = None,
    metric: str | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> NoiseCurve:
    """Measure by cross-validation whether noise helps, where, and how much.

    Each of the named parameters takes each level while the others of them are 0; parameters
    that are not named keep what the estimator has. In each split all these networks have the
    same rows, initial weights and draws of the noise; so differences to the network without
    noise are paired. And each trains for several lengths, of which its best one counts: at one
    length for all, noise would be credited with what stopping earlier does.

    Parameters
    ----------
    estimator : NoisyMLPClassifier, NoisyMLPRegressor, or what holds one
        A pipeline, for example. It is not changed.

    X : array-like of shape (n_samples, n_features)
        Data.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Class labels, one for each row; or targets, one or several.

    noise_levels : sequence of float, default=(0, 0.03, 0.06, 0.12, 0.25, 0.5, 1, 2)
        Levels to try, as the parameters take them: standard deviations, but probabilities for
        ``dropout`` and a classifier's ``noise_target``. 0 is added if it is not there. The
        default suits scaled features.

    param_names : str or sequence of str, default=("noise_input", "noise_hidden")
        Where there shall be noise: parameters of the network that are levels of noise,
        ``dropout`` among them. What comes before in a pipeline, such as ``"mlp__"``, may be
        left out where only one parameter has that ending. A network of several layers gets
        the same level in each.

    lengths : float, sequence of float, "auto" or None, default="auto"
        Lengths of training to try, as multiples of the epochs that the estimator would train
        for. Of several, each level is scored in each split at the one that has the best mean in
        other splits. "auto" is 1/8, 1/4, 1/2, 1 and 2; but None with ``early_stopping``, which
        finds a length by itself, or where the network is in anything but pipelines. None is
        the estimator's own length, whatever it is, for all.

    cv : int, cross-validation generator, iterable or None, default=None
        Splits, at least two. None is five folds, repeated ten times, shuffled, stratified for
        a classifier; an int is so many folds as scikit-learn makes them, once and not
        shuffled.

    groups : array-like of shape (n_samples,) or None, default=None
        Groups of rows, for a ``cv`` that asks for them.

    metric : str or None, default=None
        What decides about the best: for classifiers "log_loss" (which None stands for),
        "accuracy" or "calibration_error"; for regressors "root_mean_squared_error" (which None
        stands for) or "r2". All of them are computed.

    random_state : int, RandomState instance or None, default=None
        Determines the default splits, and for each split another seed, which sets every
        parameter ``random_state`` of the estimator. None takes fresh entropy from the
        operating system.

    Returns
    -------
    NoiseCurve
        Scores of all networks, ``best_``, ``one_se_`` and ``helps``.

    Raises
    ------
    TypeError
        If the estimator is neither classifier nor regressor, or a classifier without
        probabilities; if data is lazy, or ``y`` has dates; or if the network gets data that is
        sparse.
    ValueError
        If the estimator has no such noise, or a level, a length, the metric, ``y`` or the splits
        cannot be used, before any training; or if a fit cannot use its data.
    RuntimeError
        If this process was forked from one that had trained before; or if TensorFlow is
        without eager execution.

    Warns
    -----
    ConvergenceWarning
        If training diverges with some noise, or without, whose scores are then NaN. If a
        network gets features so far from mean 0 and standard deviation 1 that training suffers;
        if most rows are equal to others, and the ``epochs`` it is given few for that; or if
        its ``val_loss`` does not stay finite, though the loss does.
    UserWarning
        If the network has ``engine="auto"``, which has to take Keras's own, slower loop.
    RuntimeWarning
        If an executor that was given to the backend loses a stack of networks, which is then
        trained here.

    See Also
    --------
    sknoise.plotting.NoiseCurveDisplay : Draws the result.
    sklearn.model_selection.validation_curve : Scores for any one parameter.

    Notes
    -----
    All networks train in stacks, by joblib's backend "sknoise"; around this call,
    ``joblib.parallel_config(backend="sknoise", ...)`` sets its options. ``verbose=1`` of the
    network shows one bar for all.

    In each split, a level's length is the one with the best mean of ``metric`` in the splits that
    test on none of the same rows: the other folds of the same repetition. Where there are none,
    as with random splits, it is all others. So no score chooses its own length; but, as always in
    cross-validation, the other splits train on the rows that this one tests on. ``at_length`` of
    the result has the curve of each length. Try others where the best is the shortest or the
    longest.

    A network goes on from one length to the next, so all of "auto" take twice as long as the
    estimator's own. With a schedule of the noise or of the learning rate, or with ``callbacks``,
    each length is trained from new weights, and all take four times as long. The other steps of a
    pipeline are fitted for each length.

    The log-loss, in nats, is computed from ``predict_log_proba`` where there is one, and then
    knows no largest loss of a row. The root mean squared error is in the units of ``y``.

    The calibration error is the expected calibration error [1]_: the probabilities of the
    predicted classes in 15 bins of equal width from 0 to 1, and of each bin the distance of their
    mean to the share of correct predictions, weighted by its rows. With few test rows it is
    biased upwards, for all levels.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks",
       ICML.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sknoise import NoisyMLPClassifier, noise_curve
    >>> X, y = make_circles(n_samples=30, noise=0.1, random_state=1)
    >>> clf = NoisyMLPClassifier(20, epochs=50)
    >>> curve = noise_curve(clf, X, y, [0, 0.1, 1], cv=3, random_state=0)
    >>> curve.param_names
    ('noise_input', 'noise_hidden')
    >>> curve.scores["accuracy"].shape
    (2, 3, 3)
    >>> curve.at_length[1].scores["accuracy"].shape
    (2, 3, 3)
    >>> bool(curve.helps), bool(curve.at_length[1].helps)
    (False, False)
    """
    metrics = read_metrics(estimator, metric)
    metric = metrics[0] if metric is None else metric
    names = full_names(estimator, param_names)
    levels = read_levels(noise_levels)
    multiples = read_lengths(lengths, estimator, names)
    candidates: list[Settings] = [dict.fromkeys(names, 0.0)]
    candidates += [candidates[0] | {name: level} for name in names for level in levels[1:]]
    check_candidates(estimator, candidates)

    check_collected(X=X, y=y, groups=groups)
    X, y, groups = indexable(X, y, groups)
    classifies = is_classifier(estimator)
    y = read_targets(y, classifies)
    rng = np.random.default_rng(draw_key(random_state))
    splits = make_splits(cv, X, y, groups, classifies, metric, int(rng.integers(2**31)))
    seeds = rng.integers(2**31, size=len(splits))
    seeded = [p for p in estimator.get_params() if p.rpartition("__")[2] == "random_state"]
    models = [clone(estimator).set_params(**dict.fromkeys(seeded, int(seed))) for seed in seeds]
    epochs = None if multiples is None else _epochs(models, X, y, splits, multiples)
    ladders = [None] * len(splits) if epochs is None else epochs
    with in_stacks(len(splits), len(candidates)):
        results = Parallel()(
            delayed(_fit_and_score)(model, settings, ladder, X, y, split)
            for model, ladder, split in zip(models, ladders, splits, strict=True)
            for settings in candidates
        )

    found = np.array([[[s.get(m, np.nan) for m in metrics] for s in fit] for fit in results])
    found = found.reshape(len(splits), len(candidates), -1, len(metrics))
    # The first candidate, no noise, is the level 0 of every parameter.
    noisy = np.arange(1, len(candidates)).reshape(len(names), -1)
    columns = np.insert(noisy, 0, 0, axis=1)
    by_length = found[:, columns].transpose(3, 4, 1, 2, 0)
    test_ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    at_length = {}
    for i, scores in enumerate(by_length):
        n_epochs = None if epochs is None else np.broadcast_to(epochs[:, i], scores.shape[1:])
        by_metric = dict(zip(metrics, scores, strict=True))
        curve = NoiseCurve(names, levels, by_metric, metric, seeds, test_ratio, n_epochs)
        at_length[1.0 if multiples is None else float(multiples[i])] = curve
    _warn_of_divergence(at_length)
    return at_best_lengths(at_length, splits, len(y))


def _epochs(
    models: Sequence[BaseEstimator],
    X: Any,
    y: np.ndarray,
    splits: Sequence[Split],
    multiples: np.ndarray,
) -> np.ndarray:
    """Give multiples of what the models would train for, of shape (n_splits, n_lengths)."""
    own = [
        own_epochs(clone(model), _safe_indexing(X, train), y[train])
        for model, (train, _) in zip(models, splits, strict=True)
    ]
    return np.maximum(np.rint(np.outer(own, multiples)), 1).astype(np.int64)


def _fit_and_score(
    model: BaseEstimator,
    settings: Settings,
    epochs: np.ndarray | None,
    X: Any,
    y: np.ndarray,
    split: Split,
) -> list[dict[str, float]]:
    """Fit to one part, and give all metrics on the other, for each length; none if it diverged."""
    train, test = split
    X_test, y_test = _safe_indexing(X, test), y[test]
    model = clone(model).set_params(**settings)
    fits = trained(model, epochs, _safe_indexing(X, train), y[train])
    return [{} if fitted is None else score(fitted, X_test, y_test) for fitted in fits]


def _warn_of_divergence(at_length: Mapping[float, NoiseCurve]) -> None:
    """Name the levels that diverged, and the shortest length at which they did."""
    diverged: dict[str, str] = {}
    for length, curve in at_length.items():
        broken = np.isnan(curve.scores[curve.metric]).any(axis=-1)
        for i, j in np.argwhere(broken):
            name = f"{curve.param_names[i]}={curve.noise_levels[j]:g}" if j else "no noise"
            diverged.setdefault(name, f"{name} from length {length:g} on")
    if diverged:
        what = diverged.values() if len(at_length) > 1 else diverged
        warnings.warn(
            f"Training diverged in some splits with {', '.join(what)}: the scores are NaN. Scale "
            "the features (sklearn.preprocessing.StandardScaler), or lower the learning rate or "
            "the noise.",
            ConvergenceWarning,
            stacklevel=3,
        )
