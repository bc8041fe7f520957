"""The models that are compared, by name: ours and the peers, all at their defaults.

A candidate is one more entry of `MODELS`. What not everybody has is imported when it is made, so
that the others run without; TensorFlow too, which peers need not wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from benchmarks.real.sources import CLASSIFICATION, REGRESSION

NO_NOISE = {"noise_input": 0, "noise_hidden": 0}
CATBOOST = {"verbose": 0, "allow_writing_files": False, "thread_count": 2}


class Model(NamedTuple):
    """How a model is made of a seed, and whether its first fit compiles.

    What compiles is fitted twice, and the second fit is timed too.
    """

    make: Callable[[int], Any]
    compiles: bool = False


class CalibratedSVC(CalibratedClassifierCV):
    """A support vector machine whose probabilities come from cross-validation.

    Its folds are five, or as many as the rarest class has rows, where scikit-learn's five are an
    error.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> CalibratedSVC:
        """Fit to rows and their classes.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
            The rows.
        y : ndarray of shape (n_rows,)
            Their classes.

        Returns
        -------
        CalibratedSVC
            Itself.
        """
        self.cv = min(5, np.unique(y, return_counts=True)[1].min())
        return super().fit(X, y)


def scaled(regressor: Any) -> TransformedTargetRegressor:
    """Let a regressor learn a target of mean 0 and variance 1, as all but trees expect."""
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def ours(name: str, **parameters: Any) -> Callable[[int], Any]:
    """Make one of ours, by the name of its class, of a seed."""

    def make(seed: int) -> Any:
        import sknoise

        return getattr(sknoise, name)(**parameters, random_state=seed)

    return make


def _lightgbm(name: str) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        import lightgbm

        return getattr(lightgbm, name)(verbose=-1, random_state=seed)

    return make


def _catboost(name: str) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        import catboost

        return getattr(catboost, name)(random_state=seed, **CATBOOST)

    return make


def _pytabkit(name: str, **parameters: Any) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        import pytabkit

        return getattr(pytabkit, name)(**parameters, random_state=seed, device="cpu")

    return make


MODELS: dict[str, dict[str, Model]] = {
    CLASSIFICATION: {
        "LogisticRegression": Model(lambda seed: LogisticRegression(max_iter=1000)),
        "MLPClassifier": Model(lambda seed: MLPClassifier(random_state=seed)),
        "SVC, calibrated": Model(lambda seed: CalibratedSVC(SVC(), ensemble=False)),
        "RandomForest": Model(lambda seed: RandomForestClassifier(random_state=seed)),
        "HistGradientBoosting": Model(
            lambda seed: HistGradientBoostingClassifier(random_state=seed)
        ),
        "LightGBM": Model(_lightgbm("LGBMClassifier")),
        "CatBoost": Model(_catboost("CatBoostClassifier")),
        "sknoise": Model(ours("NoisyMLPClassifier"), compiles=True),
        "sknoise, no noise": Model(ours("NoisyMLPClassifier", **NO_NOISE), compiles=True),
        "sknoise CV": Model(ours("NoisyMLPClassifierCV"), compiles=True),
        "sknoise CV, one network": Model(
            ours("NoisyMLPClassifierCV", ensemble=False), compiles=True
        ),
    },
    REGRESSION: {
        "Ridge": Model(lambda seed: Ridge()),
        "MLPRegressor": Model(lambda seed: scaled(MLPRegressor(random_state=seed))),
        "SVR": Model(lambda seed: scaled(SVR())),
        "RandomForest": Model(lambda seed: RandomForestRegressor(random_state=seed)),
        "HistGradientBoosting": Model(
            lambda seed: HistGradientBoostingRegressor(random_state=seed)
        ),
        "LightGBM": Model(_lightgbm("LGBMRegressor")),
        "CatBoost": Model(_catboost("CatBoostRegressor")),
        "sknoise": Model(ours("NoisyMLPRegressor"), compiles=True),
        "sknoise, no noise": Model(ours("NoisyMLPRegressor", **NO_NOISE), compiles=True),
        "sknoise CV": Model(ours("NoisyMLPRegressorCV"), compiles=True),
        "sknoise CV, one network": Model(
            ours("NoisyMLPRegressorCV", ensemble=False), compiles=True
        ),
    },
}
# At their defaults both keep the epoch of the fewest errors on rows held out, and RealMLP smooths
# labels: this is what pytabkit recommends where probabilities count.
FOR_LOG_LOSS = {"val_metric_name": "cross_entropy"}
PYTABKIT: dict[str, dict[str, Model]] = {
    CLASSIFICATION: {
        "RealMLP-TD": Model(_pytabkit("RealMLP_TD_Classifier")),
        "RealMLP-TD, for log-loss": Model(
            _pytabkit("RealMLP_TD_Classifier", use_ls=False, **FOR_LOG_LOSS)
        ),
        "TabM": Model(_pytabkit("TabM_D_Classifier")),
        "TabM, for log-loss": Model(_pytabkit("TabM_D_Classifier", **FOR_LOG_LOSS)),
    },
    REGRESSION: {
        "RealMLP-TD": Model(_pytabkit("RealMLP_TD_Regressor")),
        "TabM": Model(_pytabkit("TabM_D_Regressor")),
    },
}


def all_models(pytabkit: bool = False) -> dict[str, dict[str, Model]]:
    """List all models of each task.

    Parameters
    ----------
    pytabkit : bool
        Whether with the networks of pytabkit, which needs PyTorch.

    Returns
    -------
    dict of dict of Model
        Models by task and name.

    Raises
    ------
    ModuleNotFoundError
        If pytabkit is asked for and not installed.
    """
    if not pytabkit:
        return MODELS
    if find_spec("pytabkit") is None:
        raise ModuleNotFoundError("RealMLP and TabM need PyTorch: `pip install pytabkit`")
    return {task: {**models, **PYTABKIT[task]} for task, models in MODELS.items()}
