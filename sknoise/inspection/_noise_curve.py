"""``noise_curve``, which measures whether noise helps on some data, where, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, check_array, column_or_1d, indexable
from sklearn.utils.multiclass import type_of_target

from sknoise.inspection._result import NoiseCurve
from sknoise.parallel import MAX_WAITING, StackBackend
from sknoise.tasks import draw_key

NOISE_LEVELS = (0, 0.03, 0.06, 0.12, 0.25, 0.5, 1, 2)
PARAM_NAMES = ("noise_input", "noise_hidden")
# The parameters of our estimators that are levels of noise.
_NOISES = (
    "noise_input",
    "noise_hidden",
    "noise_activation",
    "noise_weights",
    "noise_gradient",
    "noise_target",
    "dropout",
)
_CLASSIFIER_METRICS = ("log_loss", "accuracy", "calibration_error")
_REGRESSOR_METRICS = ("root_mean_squared_error", "r2")
_N_FOLDS, _N_REPEATS = 5, 10
_N_BINS = 15  # As in Guo et al.

Split = tuple[np.ndarray, np.ndarray]  # Numbers of the rows to train and to test on.
Settings = dict[str, Any]


def noise_curve(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    noise_levels: Sequence[float] = NOISE_LEVELS,
    *,
    param_names: str | Sequence[str] = PARAM_NAMES,
    cv: Any = None,
    groups: Any = None,
    metric: str | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> NoiseCurve:
    """Measure by cross-validation whether noise helps, where, and how much.

    Each of the named parameters takes each level while the others of them are 0; parameters
    that are not named keep what the estimator has. In each split all these networks have the
    same rows, initial weights and draws of the noise; so differences to the network without
    noise are paired.

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
        probabilities; or if the network gets data that is sparse.
    ValueError
        If the estimator has no such noise, or a level, the metric, ``y`` or the splits cannot
        be used, before any training; or if a fit cannot use its data, or diverges.
    RuntimeError
        If this process was forked from one that had trained before; or if Keras runs on
        another backend than TensorFlow.

    Warns
    -----
    ConvergenceWarning
        If a network gets features so far from mean 0 and standard deviation 1 that training
        suffers; or if its ``val_loss`` does not stay finite, though the loss does.
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
    >>> bool(curve.helps)
    False
    """
    classifies = _classifies(estimator)
    names = _full_names(estimator, param_names)
    levels = _read_levels(noise_levels)
    metrics = _CLASSIFIER_METRICS if classifies else _REGRESSOR_METRICS
    metric = metrics[0] if metric is None else metric
    if metric not in metrics:
        raise ValueError(f"metric={metric!r} must be one of {list(metrics)}, or None.")
    candidates: list[Settings] = [dict.fromkeys(names, 0.0)]
    candidates += [candidates[0] | {name: level} for name in names for level in levels[1:]]
    _check_candidates(estimator, candidates)

    X, y, groups = indexable(X, y, groups)
    y = _read_targets(y, classifies)
    rng = np.random.default_rng(draw_key(random_state))
    splits = _make_splits(cv, X, y, groups, classifies, int(rng.integers(2**31)))
    seeds = rng.integers(2**31, size=len(splits))

    seeded = [p for p in estimator.get_params() if p.rpartition("__")[2] == "random_state"]
    with _in_stacks(len(splits), len(candidates)):
        results = joblib.Parallel()(
            joblib.delayed(_fit_and_score)(
                estimator, settings | dict.fromkeys(seeded, int(seed)), X, y, split
            )
            for split, seed in zip(splits, seeds, strict=True)
            for settings in candidates
        )
    by_split = np.array(results).reshape(len(splits), len(candidates), len(metrics))
    # The first candidate, no noise, is the level 0 of every parameter.
    noisy = np.arange(1, len(candidates)).reshape(len(names), -1)
    columns = np.insert(noisy, 0, 0, axis=1)
    scores = {name: by_split[:, columns, i].transpose(1, 2, 0) for i, name in enumerate(metrics)}
    test_ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    return NoiseCurve(names, levels, scores, metric, seeds, test_ratio)


def _classifies(estimator: Any) -> bool:
    """Say whether an estimator is a classifier; refuse what noise_curve cannot score."""
    name = type(estimator).__name__
    if not isinstance(estimator, BaseEstimator) or not (
        is_classifier(estimator) or is_regressor(estimator)
    ):
        raise TypeError(f"estimator must be a classifier or a regressor, not {name}.")
    if is_classifier(estimator) and not hasattr(estimator, "predict_proba"):
        raise TypeError(f"estimator={name} has no predict_proba, which noise_curve needs.")
    return bool(is_classifier(estimator))


def _full_names(estimator: BaseEstimator, param_names: str | Sequence[str]) -> tuple[str, ...]:
    """Find the parameters of an estimator that have the given names at their end."""
    names = [param_names] if isinstance(param_names, str) else list(param_names)
    noises = [p for p in estimator.get_params() if p.rpartition("__")[2] in _NOISES]
    if not noises:
        raise ValueError(
            f"estimator={type(estimator).__name__} has no noise to vary: it must be, or hold, a "
            "NoisyMLPClassifier or a NoisyMLPRegressor."
        )
    if not names:
        raise ValueError(f"param_names={param_names!r} is empty; name some of {noises}.")
    full = []
    for name in names:
        found = [p for p in noises if name == p]
        found = found or [p for p in noises if p.endswith(f"__{name}")]
        if len(found) != 1:
            matches = f"matches {found}" if found else "is no level of noise"
            raise ValueError(
                f"param_names={param_names!r}: {name!r} {matches}; the estimator has {noises}."
            )
        full += found
    if len(set(full)) < len(full):
        raise ValueError(f"param_names={param_names!r} names a parameter twice.")
    return tuple(full)


def _read_levels(noise_levels: Sequence[float]) -> np.ndarray:
    """Read the levels; give them in order, from 0 on."""
    try:
        levels = np.unique(np.append(np.asarray(noise_levels, dtype=np.float64), 0))
    except (TypeError, ValueError):
        levels = np.array([np.nan])
    if not np.isfinite(levels).all() or levels[0] < 0 or len(levels) < 2:
        raise ValueError(
            f"noise_levels={noise_levels!r} must be finite numbers, 0 or larger, and at least "
            "one above 0."
        )
    return levels


def _check_candidates(estimator: BaseEstimator, candidates: Sequence[Settings]) -> None:
    """Let each network say what is wrong with its parameters, before one is trained."""
    for settings in candidates:
        model = clone(estimator).set_params(**settings)
        for holder in {name.rpartition("__")[0] for name in settings}:
            network = model.get_params()[holder] if holder else model
            network._validate_params()


def _read_targets(y: Any, classifies: bool) -> np.ndarray:
    """Check labels or targets."""
    if not classifies:
        return check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"y is {kind}; noise_curve needs one class label for each row.")
    return column_or_1d(y)


def _make_splits(
    cv: Any, X: Any, y: np.ndarray, groups: Any, classifies: bool, seed: int
) -> list[Split]:
    """Make the splits, and check that they can be used."""
    if cv is None:
        folds = RepeatedStratifiedKFold if classifies else RepeatedKFold
        cv = folds(n_splits=_N_FOLDS, n_repeats=_N_REPEATS, random_state=seed)
    splits = list(check_cv(cv, y, classifier=classifies).split(X, y, groups))
    if len(splits) < 2:
        raise ValueError(f"cv={cv!r} makes {len(splits)} split; an interval needs at least 2.")
    for train, test in splits if classifies else ():
        unseen = np.setdiff1d(y[test], y[train])
        if len(unseen):
            raise ValueError(
                f"In a split all rows of {unseen.tolist()} are test rows, so their probabilities "
                "cannot be learnt: give fewer folds, or leave these classes out."
            )
    return splits


def _in_stacks(n_splits: int, n_candidates: int) -> AbstractContextManager[Any]:
    """Enter our backend, unless the caller has done so and has perhaps set its options.

    Programs that were compiled for a wave of fits serve the next one if it is made up alike: so
    the splits are shared out evenly among the waves.
    """
    if isinstance(get_active_backend()[0], StackBackend):
        return nullcontext()
    n_waves = -(-n_splits * n_candidates // MAX_WAITING)
    n_jobs = -(-n_splits // n_waves) * n_candidates
    return joblib.parallel_config(backend="sknoise", n_jobs=n_jobs)


def _fit_and_score(
    estimator: BaseEstimator, settings: Settings, X: Any, y: np.ndarray, split: Split
) -> list[float]:
    """Fit to one part, and give all metrics on the other."""
    train, test = split
    model = clone(estimator).set_params(**settings)
    model.fit(_safe_indexing(X, train), y[train])
    score = _score_classifier if is_classifier(model) else _score_regressor
    return score(model, _safe_indexing(X, test), y[test])


def _score_classifier(model: Any, X: Any, y: np.ndarray) -> list[float]:
    probabilities = model.predict_proba(X)
    if hasattr(model, "predict_log_proba"):
        columns = np.searchsorted(model.classes_, y)
        loss = -model.predict_log_proba(X)[np.arange(len(y)), columns].mean()
    else:
        loss = log_loss(y, probabilities, labels=model.classes_)
    correct = model.classes_[probabilities.argmax(axis=1)] == y
    error = calibration_error(probabilities.max(axis=1), correct)
    return [loss, accuracy_score(y, model.predict(X)), error]


def _score_regressor(model: Any, X: Any, y: np.ndarray) -> list[float]:
    predicted = model.predict(X)
    return [root_mean_squared_error(y, predicted), r2_score(y, predicted)]


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Compute the expected calibration error of Guo et al. (2017).

    Parameters
    ----------
    confidence : ndarray of shape (n_rows,)
        Probability of the predicted class.
    correct : ndarray of shape (n_rows,), dtype bool
        Whether it is the right one.

    Returns
    -------
    float
    """
    # Bins are closed on the right.
    bins = np.ceil(confidence * _N_BINS).astype(int)
    gaps = np.bincount(bins, weights=correct - confidence)
    return float(np.abs(gaps).sum() / len(confidence))
