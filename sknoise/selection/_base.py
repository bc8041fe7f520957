"""What the estimators that choose share: folds, candidates, the choice, fitted attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import _check_method_params, check_is_fitted, validate_data

from sknoise.estimators import BaseNoisyMLP, loaded, saved
from sknoise.selection._candidates import LEVELS, Candidate, make_candidates
from sknoise.selection._folds import make_folds
from sknoise.selection._networks import Data, Member, fit_members
from sknoise.selection._search import Search
from sknoise.selection._summary import summary_of
from sknoise.tasks import (
    AUTOMATIC,
    check_collected,
    draw_key,
    named_overflow,
    part_of,
    warn_of_scales,
)

# How the steps grow with the rows, as for a network alone.
_POWER = 1 / 3
Split = tuple[np.ndarray, np.ndarray]  # Numbers of the rows to train on, and of those held out.
# Parameters of a network that have no meaning where it is chosen.
_WITHOUT = {
    *LEVELS,
    "early_stopping",
    "validation_fraction",
    "monitor",
    "patience",
    "min_delta",
    "restore_best_weights",
    "warm_start",
    "callbacks",
}


class BaseNoisyMLPCV(BaseEstimator):
    """Base of the estimators that choose; subclasses have the constructor and prediction."""

    best_index_: int
    best_params_: dict[str, float]
    best_score_: float
    cv_results_: dict[str, Any]
    estimators_: list[Any]
    estimator_: Any
    folds_: list[Split]
    history_: dict[str, np.ndarray]
    n_iter_: int
    n_steps_: int
    oof_: np.ndarray

    # What is chosen among.
    _network: ClassVar[type[BaseNoisyMLP]]
    # The longest training, in units of the usual one of a network alone, and the automatic
    # penalties, in units of that one's; benchmarks/real has the evidence. The first is tried
    # without noise.
    _longest: ClassVar[int]
    _penalties: ClassVar[tuple[float, float]]
    # Attributes that fitting sets before it trains, of both.
    _seen: ClassVar[tuple[str, ...]] = ("n_features_in_", "feature_names_in_")
    # What stands where a network has nothing to say of a row, and adds nothing.
    _absent: ClassVar[float]
    _doc_link_module = BaseNoisyMLP._doc_link_module
    _doc_link_template = BaseNoisyMLP._doc_link_template

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: constraint
            for name, constraint in BaseNoisyMLP._parameter_constraints.items()
            if name not in _WITHOUT
        },
        "alphas": ["array-like", StrOptions({"auto"})],
        "noise_inputs": ["array-like", StrOptions({"auto"})],
        "noise_hiddens": ["array-like"],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [StrOptions({"best", "least_noise"})],
        "ensemble": ["boolean"],
    }

    def _noise_level(self, all_rows: Member) -> float:
        """Give the level of input noise of ``noise_inputs="auto"``, beside none."""
        raise NotImplementedError

    def _loss_scale(self, member: Member, all_rows: Member) -> float:
        """Give what turns a fold's losses into the units of all folds."""
        raise NotImplementedError

    def _outputs(self, network: Any, X: np.ndarray) -> np.ndarray:
        """Give what a network predicts for checked data, in a form that can be averaged."""
        raise NotImplementedError

    def _averaged(self, outputs: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Average over the first axis; ``times`` there is something, elsewhere `_absent`."""
        raise NotImplementedError

    def _calibrated(self, trained: Any) -> Any:
        """Give what came of the one network of all rows as it is to predict."""
        raise NotImplementedError

    def _judge(self, data: Data, held_out: Sequence[np.ndarray]) -> None:
        """Set the attributes that follow from the predictions for held-out rows, fold by fold."""
        raise NotImplementedError

    def _choose_and_train(self, data: Data, params: dict[str, Any]) -> None:
        """Choose candidate and length, train what predicts, and set the fitted attributes."""
        X, y, sample_weight = data.given
        check_collected(**params)
        for_split, for_score = self._routed(params, sample_weight)
        warn_of_scales(data.X, getattr(self, "feature_names_in_", None))
        rng = np.random.default_rng(draw_key(self.random_state))
        seeds = iter(rng.integers(2**31, size=2).tolist())
        rows = X, data.y, data.weight
        folds = make_folds(self.cv, is_classifier(self), *rows, for_split, next(seeds))
        self.folds_ = [(train, test) for train, test in folds]
        all_rows = self._member(data, {}, next(seeds))
        candidates = self._candidates(all_rows)
        search = self._searched(data, candidates, all_rows, rng)
        scores = -search.losses
        if self.scoring is not None:
            scores = self._scores(search, X, y, for_score)
        noises = [(c["noise_input"], c["noise_hidden"]) for c in candidates]
        best = search.best(scores, noises, self.selection == "least_noise")
        self.estimators_ = search.networks(best)
        self.unexplained_ = all_rows.measured.unexplained
        self.best_index_ = best
        self.best_score_ = float(np.average(scores[best], weights=search.weights))
        self.cv_results_ = search.results(candidates, scores)
        self.history_ = search.history(best)
        self.n_iter_ = int(search.n_epochs[best])
        self.n_steps_ = max(network._fitted.state.n_steps for network in self.estimators_)
        X64 = data.X.astype(np.float64)
        pairs = zip(self.estimators_, self.folds_, strict=True)
        held_out = [self._outputs(network, X64[test]) for network, (_, test) in pairs]
        self.oof_ = self._out_of_fold(held_out, len(X64))
        self._judge(data, held_out)
        n_epochs = self._epochs_on(all_rows, data.weight)
        self.best_params_ = {**candidates[best], "epochs": n_epochs}
        if self.ensemble:
            if hasattr(self, "estimator_"):
                del self.estimator_
            return
        seed = all_rows.estimator.random_state
        whole = self._member(data, candidates[best], seed).ending(n_epochs)
        (self.estimator_,) = fit_members([whole], self._calibrated)
        self.n_steps_ = whole.n_steps

    def _searched(
        self,
        data: Data,
        candidates: Sequence[Candidate],
        all_rows: Member,
        rng: np.random.Generator,
    ) -> Search:
        """Train all candidates on all folds; in a fold, all with the same seed."""
        seeds = rng.integers(2**31, size=len(self.folds_)).tolist()
        members = [
            [
                self._member(data, candidate, seed, fold)
                for fold, seed in zip(self.folds_, seeds, strict=True)
            ]
            for candidate in candidates
        ]
        weights = np.array([data.judged.weight[test].sum() for _, test in self.folds_])
        scales = np.array([self._loss_scale(member, all_rows) for member in members[0]])
        return Search(members, weights, scales)

    def _routed(
        self, params: dict[str, Any], sample_weight: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Divide what else ``fit`` was given: what the splitter gets, and the scorer."""
        if _routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            scorer = routed.scorer.score if self.scoring is not None else {}
            return routed.splitter.split, scorer
        if unknown := sorted(params.keys() - {"groups"}):
            raise TypeError(
                f"fit got {unknown}, which go to scorer and splitter only after "
                "sklearn.set_config(enable_metadata_routing=True); groups need not."
            )
        return params, {} if sample_weight is None else {"sample_weight": sample_weight}

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object.

        Returns
        -------
        MetadataRouter
            It sends what ``fit`` gets on to the splitter and the scorer, where these ask for it.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        to_splitter = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=check_cv(self.cv), method_mapping=to_splitter)
        if self.scoring is not None:
            to_scorer = MethodMapping().add(caller="fit", callee="score")
            router.add(scorer=self._scorer(), method_mapping=to_scorer)
        return router

    def _scorer(self) -> Any:
        return check_scoring(self._network(), self.scoring)

    def _plain(self, **parameters: Any) -> Any:
        """Give a network, unfitted, with this estimator's parameters and others."""
        own = self.get_params(deep=False)
        shared = {name: own[name] for name in own.keys() & set(self._network._get_param_names())}
        network = self._network(**{**shared, **parameters})
        for name in self._seen:
            if hasattr(self, name):
                setattr(network, name, getattr(self, name))
        return network

    def _member(
        self, data: Data, candidate: Candidate, seed: int, fold: Split | None = None
    ) -> Member:
        """Read the training of one network: on a fold, judged on the rest of the rows, or on all.

        It is as long as the longest that is tried.
        """
        network = self._plain(**candidate, random_state=seed)
        rows: Any = slice(None)
        validation = None
        if fold is not None:
            rows, validation = fold[0], part_of(data.judged, fold[1])
        arrays = data.X[rows], data.y[rows], data.weight[rows]
        read = network._read(*arrays, validation, self.epochs, False)
        member = Member(network, *read)
        return member.lasting(self._longest) if self.epochs == "auto" else member

    def _candidates(self, all_rows: Member) -> list[Candidate]:
        """Give what is tried."""
        unexplained = all_rows.measured.unexplained
        assert unexplained is not None
        usual = AUTOMATIC["alpha"] * unexplained**2
        first, second = (factor * usual for factor in self._penalties)
        level = self._noise_level(all_rows)
        return make_candidates(self, (first, second), (0.0, level))

    def _epochs_on(self, all_rows: Member, weight: np.ndarray) -> int:
        """Give the epochs that are as long on all rows as the chosen ones of the folds."""
        n_steps = np.array([network._fitted.state.n_steps for network in self.estimators_])
        more = weight.sum() / np.array([weight[train].sum() for train, _ in self.folds_])
        return max(1, round(np.mean(n_steps * more**_POWER) / all_rows.task.n_batches))

    def _scores(self, search: Search, X: Any, y: Any, params: dict[str, Any]) -> np.ndarray:
        """Score each network on the rows that its fold holds out; NaN where one diverged."""
        scorer = self._scorer()
        scores = np.full(search.losses.shape, np.nan)
        for i in np.flatnonzero(np.isfinite(search.losses).all(axis=1)).tolist():
            for k, network in enumerate(search.networks(i)):
                test = self.folds_[k][1]
                held_out = _safe_indexing(X, test), _safe_indexing(y, test)
                scores[i, k] = scorer(network, *held_out, **_check_method_params(X, params, test))
        return scores

    def _out_of_fold(self, held_out: Sequence[np.ndarray], n_rows: int) -> np.ndarray:
        """Average for each row what the networks predict that have not seen it; else NaN."""
        shape = (len(held_out), n_rows, *held_out[0].shape[1:])
        outputs, times = np.full(shape, self._absent), np.zeros(n_rows)
        for of_one, part, (_, test) in zip(outputs, held_out, self.folds_, strict=True):
            of_one[test] = part
            times[test] += 1
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._averaged(outputs, times.reshape(-1, *[1] * (outputs.ndim - 2)))

    def _checked_for_prediction(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimators_")
        check_collected(X=X)
        with named_overflow("X"):
            return validate_data(self, X, dtype=np.float64, reset=False)

    @property
    def _has_one_network(self) -> bool:
        # Of the last fit, whatever the parameter has been set to since.
        return hasattr(self, "estimator_")

    def _mean_outputs(self, X: np.ndarray) -> np.ndarray:
        """Average what the networks predict for checked data."""
        networks = [self.estimator_] if self._has_one_network else self.estimators_
        outputs = np.array([self._outputs(network, X) for network in networks])
        return self._averaged(outputs, np.array(len(outputs)))

    def summary(self) -> str:
        """Tell in words what was chosen, and whether noise was worth it.

        Returns
        -------
        str
            The interval is that of Nadeau and Bengio (2003) for differences over folds, between
            the best candidate with noise and the best without.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self, "estimators_")
        ratio = float(np.mean([len(test) / len(train) for train, test in self.folds_]))
        epochs = len(self.history_["loss"]), int(self.best_params_["epochs"])
        return summary_of(self.cv_results_, self.best_index_, *epochs, ratio)

    @property
    def model_(self) -> Any:
        """A plain Keras model of the one network, built when first asked for.

        Returns
        -------
        keras.Sequential
            With the temperature in its output layer.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        AttributeError
            If ``ensemble=True``, where each of ``estimators_`` has one.
        """
        check_is_fitted(self, "estimators_")
        if not self._has_one_network:
            raise AttributeError(
                "With ensemble=True there are several networks, and estimators_[0].model_ is the "
                "first one's. With ensemble=False there is one."
            )
        return self.estimator_.model_

    def __getstate__(self) -> dict[str, Any]:
        return saved(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(loaded(state, type(self).__name__))

    def __dir__(self) -> list[str]:
        # scikit-learn reads whatever is listed here, and that must not build a Keras model.
        return [name for name in super().__dir__() if name != "model_"]
