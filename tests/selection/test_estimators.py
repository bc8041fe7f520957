"""The estimators that choose: against plain fits by hand, and as parts of scikit-learn."""

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.datasets import make_moons, make_multilabel_classification
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops import io as skops

from sknoise import (
    NoisyMLPClassifier,
    NoisyMLPClassifierCV,
    NoisyMLPRegressor,
    NoisyMLPRegressorCV,
)
from sknoise.plotting import SearchMapDisplay, TrainingCurveDisplay
from sknoise.selection._choice import extended, tried_epochs

X, LABELS = make_moons(45, noise=0.4, random_state=0)
X = X.astype(np.float32)
Y = LABELS.astype(int)
TARGETS = 1e3 + 50 * (X[:, 0] + np.sin(3 * X[:, 1]))
N_EPOCHS = 40
FOLDS = [
    (np.flatnonzero(np.arange(45) % 3 != k), np.flatnonzero(np.arange(45) % 3 == k))
    for k in range(3)
]
# One shape of stack: two candidates on three folds.
SMALL = {
    "nodes": 8,
    "alphas": [0.1],
    "noise_inputs": [0, 0.3],
    "epochs": N_EPOCHS,
    "batch_size": None,
    "learning_rate": 0.05,
    "cv": FOLDS,
    "random_state": 0,
}


def classifier(**options):
    return NoisyMLPClassifierCV(**{**SMALL, **options})


def regressor(**options):
    return NoisyMLPRegressorCV(**{**SMALL, **options})


@pytest.fixture(scope="module")
def clf():
    return classifier().fit(X, Y)


@pytest.fixture(scope="module")
def reg():
    return regressor().fit(X, TARGETS)


def by_hand(plain, fitted, y, settings, epochs):
    """The networks of a candidate, fitted one by one, judged on what their folds hold out."""
    return [
        plain(
            8,
            epochs=epochs,
            batch_size=None,
            learning_rate=0.05,
            random_state=network.random_state,
            # As a network of the search gives up.
            early_stopping=True,
            patience=20,
            restore_best_weights=False,
            **settings,
        ).fit(X[train], y[train], X_val=X[test], y_val=y[test])
        for network, (train, test) in zip(fitted.estimators_, FOLDS, strict=True)
    ]


CASES = pytest.mark.parametrize(
    ("name", "plain", "y"),
    [("clf", NoisyMLPClassifier, Y), ("reg", NoisyMLPRegressor, TARGETS)],
)


@CASES
def test_loss_curves_and_the_choice_are_those_of_fits_by_hand(name, plain, y, request):
    fitted = request.getfixturevalue(name)
    results = fitted.cv_results_
    curves = []
    for settings in results["params"]:
        networks = by_hand(plain, fitted, y, settings, N_EPOCHS)
        losses = [extended(network.history_["val_loss"], N_EPOCHS) for network in networks]
        if plain is NoisyMLPRegressor:
            # In units of the targets standardised by all rows.
            scale = [y[train].std() / y.std() for train, _ in FOLDS]
            losses = [s**2 * loss for s, loss in zip(scale, losses, strict=True)]
        curves.append(losses)
    curves = np.array(curves)
    assert results["loss_curves"] == pytest.approx(curves, rel=1e-3)
    mean = curves.mean(axis=1)
    tried = np.array(tried_epochs(N_EPOCHS))
    best = mean[:, tried - 1].argmin(axis=1)
    assert results["n_iter"].tolist() == tried[best].tolist()
    assert -results["mean_test_score"] == pytest.approx(mean[:, tried - 1].min(axis=1), rel=1e-3)
    assert fitted.best_index_ == mean[:, tried - 1].min(axis=1).argmin()
    assert fitted.n_iter_ == tried[best][fitted.best_index_]
    assert fitted.history_["val_loss"] == pytest.approx(mean[fitted.best_index_], rel=1e-3)


@CASES
def test_the_networks_are_those_of_fits_to_the_chosen_length(name, plain, y, request):
    fitted = request.getfixturevalue(name)
    settings = {k: v for k, v in fitted.best_params_.items() if k != "epochs"}
    expected = by_hand(plain, fitted, y, settings, fitted.n_iter_)
    for network, alone, (_, test) in zip(fitted.estimators_, expected, FOLDS, strict=True):
        assert isinstance(network, plain)
        assert network.n_iter_ == alone.n_iter_ == len(network.history_["loss"])
        for ours, theirs in zip(network.coefs_, alone.coefs_, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-3 * float(np.abs(theirs).max()))
        assert network.predict(X[test]) == pytest.approx(alone.predict(X[test]), rel=1e-3)


def test_probabilities_are_averaged_and_then_scaled(clf):
    mean = np.mean([network.predict_proba(X) for network in clf.estimators_], axis=0)
    expected = np.exp(log_softmax(np.log(mean) / clf.temperature_, axis=1))
    assert clf.predict_proba(X) == pytest.approx(expected)
    assert np.exp(clf.predict_log_proba(X)) == pytest.approx(expected)
    assert np.array_equal(clf.predict(X), expected.argmax(axis=1))
    assert clf.temperature_ != 1
    uncalibrated = classifier(calibrate=False).fit(X, Y)
    assert uncalibrated.temperature_ == 1
    assert uncalibrated.predict_proba(X) == pytest.approx(mean, rel=1e-5)


def test_out_of_fold_probabilities_are_of_the_network_that_has_not_seen_the_row(clf):
    for network, (_, test) in zip(clf.estimators_, FOLDS, strict=True):
        assert clf.oof_[test] == pytest.approx(network.predict_proba(X[test]))


def test_rows_held_out_twice_or_never():
    repeated = classifier(cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)).fit(X, Y)
    assert len(repeated.estimators_) == 6
    two = [
        n.predict_proba(X[:1])
        for n, (_, t) in zip(repeated.estimators_, repeated.folds_, strict=True)
        if 0 in t
    ]
    assert len(two) == 2
    assert repeated.oof_[:1] == pytest.approx(np.mean(two, axis=0))
    # Folds of unequal size, the first of few rows; 45 - 3 * 11 are never held out.
    series = classifier(cv=TimeSeriesSplit(3), epochs="auto", batch_size="auto").fit(X, Y)
    assert np.isnan(series.oof_[:12]).all()
    assert np.isfinite(series.oof_[12:]).all()
    assert len({network.n_iter_ for network in series.estimators_}) > 1
    assert np.isfinite(series.predict_proba(X)).all()


def test_one_network_has_the_temperature_in_its_output():
    one = classifier(ensemble=False).fit(X, Y)
    plain = NoisyMLPClassifier(
        8,
        batch_size=None,
        learning_rate=0.05,
        random_state=one.estimator_.random_state,
        **one.best_params_,
    ).fit(X, Y)
    expected = log_softmax(plain.predict_log_proba(X) / one.temperature_, axis=1)
    assert one.predict_log_proba(X) == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert one.estimator_.predict_proba(X) == pytest.approx(one.predict_proba(X))
    assert one.model_.predict(X, verbose=0)[:, 0] == pytest.approx(
        one.predict_proba(X)[:, 1], abs=1e-5
    )
    # 45 rows are a half more than 30. A network that gave up made fewer steps.
    mean = np.mean([network.n_iter_ for network in one.estimators_])
    assert one.n_steps_ == one.best_params_["epochs"] == round(mean * 1.5 ** (1 / 3))
    with pytest.raises(AttributeError, match=r"estimators_\[0\].model_"):
        _ = classifier().fit(X, Y).model_
    before = one.predict_proba(X)
    assert np.array_equal(one.set_params(ensemble=True).predict_proba(X), before)
    assert not hasattr(one.fit(X, Y), "estimator_")


def test_any_scorer_chooses_among_the_candidates(clf):
    scored = classifier(scoring="accuracy").fit(X, Y)
    for k, (_, test) in enumerate(FOLDS):
        accuracy = (scored.estimators_[k].predict(X[test]) == Y[test]).mean()
        assert scored.cv_results_[f"split{k}_test_score"][scored.best_index_] == accuracy
    assert scored.best_score_ == scored.cv_results_["mean_test_score"].max()
    assert np.array_equal(scored.cv_results_["n_iter"], clf.cv_results_["n_iter"])


def test_weights_count_in_the_score():
    weight = np.random.default_rng(0).uniform(0.1, 3, 45)
    scored = classifier(scoring="accuracy").fit(X, Y, weight)
    test = FOLDS[0][1]
    right = scored.estimators_[0].predict(X[test]) == Y[test]
    expected = np.average(right, weights=weight[test])
    assert scored.cv_results_["split0_test_score"][scored.best_index_] == pytest.approx(expected)


def test_the_least_noise_within_a_standard_error():
    fitted = classifier(selection="least_noise").fit(X, Y)
    results = fitted.cv_results_
    splits = np.array([results[f"split{k}_test_score"] for k in range(3)])
    best = splits.mean(axis=0).argmax()
    error = splits[:, best].std(ddof=1) / 3**0.5
    near = splits.mean(axis=0) >= splits.mean(axis=0)[best] - error
    assert fitted.best_params_["noise_input"] == results["param_noise_input"][near].min()


def test_a_candidate_that_diverges_does_not_win():
    options = {"optimizer": "sgd", "noise_inputs": [0]}
    fitted = classifier(alphas=[0.1, 1e37], **options).fit(X, Y)
    assert fitted.best_params_["alpha"] == 0.1
    assert fitted.cv_results_["rank_test_score"].tolist() == [1, 2]
    assert np.isfinite(fitted.predict_proba(X)).all()
    scored = classifier(alphas=[0.1, 1e37], scoring="accuracy", **options).fit(X, Y)
    assert np.isnan(scored.cv_results_["mean_test_score"]).tolist() == [False, True]
    with pytest.raises(ValueError, match="diverged with all candidates"):
        classifier(alphas=[1e36, 1e37], **options).fit(X, Y)


def test_who_can_hardly_win_any_more_gives_up():
    # Labels at random: the loss on held-out rows rises soon.
    y = np.random.default_rng(0).integers(0, 2, 45)
    fitted = classifier(epochs=400, alphas=[0]).fit(X, y)
    curves = fitted.cv_results_["loss_curves"]
    assert curves.shape == (2, 3, 400)
    # A network that has given up stays as it is.
    assert (curves[..., -2] == curves[..., -1]).any()
    assert fitted.n_iter_ < 200


def test_automatic_levels_are_a_pair():
    fitted = NoisyMLPClassifierCV(8, cv=FOLDS, epochs=4, random_state=0).fit(X, Y)
    first, second = fitted.cv_results_["params"]
    u = fitted.unexplained_
    assert first == pytest.approx({"alpha": 0.6 * u**2, "noise_input": 0, "noise_hidden": 0})
    assert second["alpha"] == pytest.approx(0.15 * u**2)
    # Half of the squared distance to the nearest row of the other class, by its definition.
    distances = ((X[:, None] - X) ** 2).sum(axis=2)
    distances[Y[:, None] == Y] = np.inf
    deviation = (X - X.mean(axis=0)).std()
    expected = np.median(distances.min(axis=1)) / 2 / deviation**2 * deviation / 2
    assert second["noise_input"] == pytest.approx(expected, rel=0.005)
    alone = NoisyMLPClassifier(random_state=0)
    assert fitted.unexplained_ == alone.set_params(nodes=8, epochs=1).fit(X, Y).unexplained_


@pytest.mark.parametrize(
    ("options", "n"),
    [({"alphas": [0.1, 1]}, 4), ({"noise_inputs": [0, 0.1, 0.2], "alphas": "auto"}, 6)],
)
def test_given_levels_go_with_all_others(options, n):
    options = {"noise_inputs": "auto", "epochs": 3, **options}
    assert len(classifier(**options).fit(X, Y).cv_results_["params"]) == n


def test_the_same_seed_is_the_same_model(clf):
    again = classifier().fit(X, Y)
    assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))
    other = classifier(random_state=1).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), clf.predict_proba(X))


def test_in_a_search_under_the_backend_and_without_it():
    search = GridSearchCV(classifier(cv=3), {"dropout": [0, 0.2]}, cv=2)
    without = clone(search).fit(X, Y)
    with joblib.parallel_config(backend="sknoise"):
        stacked = clone(search).fit(X, Y)
        scores = cross_val_score(make_pipeline(StandardScaler(), classifier(cv=3)), X, Y, cv=2)
    assert stacked.cv_results_["mean_test_score"] == pytest.approx(
        without.cv_results_["mean_test_score"], abs=0.05
    )
    assert np.isfinite(scores).all()


def test_weights_are_repetitions():
    times = np.random.default_rng(0).integers(1, 4, 45)
    number = np.arange(45).repeat(times)
    folds = [
        (np.flatnonzero(np.isin(number, train)), np.flatnonzero(np.isin(number, test)))
        for train, test in FOLDS
    ]
    for make, y, ensemble in ((classifier, Y, False), (regressor, TARGETS, True)):
        weighted = make(ensemble=ensemble).fit(X, y, times)
        repeated = make(ensemble=ensemble, cv=folds).fit(X[number], y[number])
        assert weighted.best_params_ == pytest.approx(repeated.best_params_)
        assert weighted.predict(X) == pytest.approx(repeated.predict(X), rel=1e-6)
    assert weighted.predict_interval(X)[0] == pytest.approx(repeated.predict_interval(X)[0])


def test_only_ratios_of_weights_that_are_fractions_matter():
    weight = np.random.default_rng(0).uniform(0.1, 1, 45)
    one, other = classifier().fit(X, Y, weight), classifier().fit(X, Y, weight / 1000)
    assert one.predict_proba(X) == pytest.approx(other.predict_proba(X), rel=1e-4)


def test_groups_with_and_without_metadata_routing():
    groups = np.arange(45) % 5
    plain = classifier(cv=GroupKFold(3)).fit(X, Y, groups=groups)
    assert all(not set(groups[train]) & set(groups[test]) for train, test in plain.folds_)
    with pytest.raises(TypeError, match=r"fit got \['colour'\]"):
        classifier().fit(X, Y, colour=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = make_pipeline(StandardScaler(), classifier(cv=GroupKFold(3)))
        routed.fit(X, Y, groups=groups)
    assert all(
        np.array_equal(a[1], b[1]) for a, b in zip(plain.folds_, routed[-1].folds_, strict=True)
    )


def test_labels_of_any_type_and_names_of_features():
    frame = pd.DataFrame(X, columns=["a", "b"])
    fitted = classifier(noise_free=["a"]).fit(frame, np.array(["no", "yes"])[Y])
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.feature_names_in_.tolist() == ["a", "b"]
    assert set(fitted.predict(frame)) <= {"no", "yes"}
    assert fitted.estimators_[0].predict(frame).shape == (45,)


def test_several_labels_a_row():
    data, labels = make_multilabel_classification(45, 2, n_classes=3, random_state=0)
    data = StandardScaler().fit_transform(data)
    fitted = classifier().fit(data, labels)
    mean = np.mean([network.predict_proba(data) for network in fitted.estimators_], axis=0)
    odds = (mean / (1 - mean)) ** (1 / fitted.temperature_)
    assert fitted.predict_proba(data) == pytest.approx(odds / (1 + odds))
    assert fitted.predict(data).shape == fitted.oof_.shape == (45, 3)


def test_keras_own_loop():
    options = {"engine": "keras", "epochs": 3, "noise_inputs": [0], "ensemble": False}
    fitted = classifier(**options).fit(X, Y)
    assert fitted.cv_results_["loss_curves"].shape == (1, 3, 3)
    # Without noise both engines agree.
    compiled = classifier(**{**options, "engine": "compiled"}).fit(X, Y)
    assert fitted.predict_proba(X) == pytest.approx(compiled.predict_proba(X), abs=1e-4)


@pytest.mark.parametrize("ensemble", [True, False])
def test_every_format_keeps_predictions(ensemble):
    for make, y in ((classifier, Y), (regressor, TARGETS)):
        fitted = make(ensemble=ensemble).fit(X, y)
        content = skops.dumps(fitted)
        trusted = skops.get_untrusted_types(data=content)
        # Nothing but the estimator and its network need be trusted.
        own = {type(fitted).__name__, type(fitted.estimators_[0]).__name__}
        assert {name.rpartition(".")[2] for name in trusted} == own
        for again in (pickle.loads(pickle.dumps(fitted)), skops.loads(content, trusted=trusted)):
            assert np.array_equal(again.predict(X), fitted.predict(X))
            assert again.summary() == fitted.summary()


def test_the_mean_of_the_networks_and_its_deviation(reg):
    each = np.array([network.predict(X) for network in reg.estimators_])
    assert reg.predict(X) == pytest.approx(each.mean(axis=0))
    mean, deviation = reg.predict(X, return_std=True)
    assert np.array_equal(mean, reg.predict(X))
    error = ((TARGETS - reg.oof_) ** 2).mean()
    assert deviation == pytest.approx(np.sqrt(error + each.var(axis=0)))


def test_intervals_are_those_of_the_held_out_errors(reg):
    lower, upper = reg.predict_interval(X[:4], coverage=0.8)
    values = {"lower": [], "upper": []}
    for network, (_, test) in zip(reg.estimators_, FOLDS, strict=True):
        error = np.abs(TARGETS[test] - network.predict(X[test]))
        values["lower"].append(network.predict(X[:4])[:, None] - error)
        values["upper"].append(network.predict(X[:4])[:, None] + error)
    # ceil(0.8 * 46) of 45.
    assert upper == pytest.approx(np.sort(np.hstack(values["upper"]), axis=1)[:, 36])
    assert lower == pytest.approx(np.sort(np.hstack(values["lower"]), axis=1)[:, 45 - 37])
    wide = reg.predict_interval(X[:4], coverage=0.99)
    assert np.isinf(wide).all()


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 90])
def test_a_coverage_that_is_none(reg, coverage):
    with pytest.raises(ValueError, match=f"coverage={coverage} must be above 0 and below 1"):
        reg.predict_interval(X, coverage=coverage)


def test_several_outputs_and_counts():
    both = np.column_stack([TARGETS, X[:, 0]])
    fitted = regressor().fit(X, both)
    assert fitted.n_outputs_ == 2
    shapes = {a.shape for a in (*fitted.predict(X, return_std=True), *fitted.predict_interval(X))}
    assert shapes == {(45, 2)}
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0]))
    counted = regressor(loss="poisson").fit(X, counts)
    assert (counted.predict(X) > 0).all()
    # The loss is that of Keras, of counts over their mean, up to the networks' units.
    assert np.isfinite(counted.best_score_)


def test_the_regressor_knows_no_unit(reg):
    scaled = regressor().fit(X, 1e6 * TARGETS - 3)
    assert scaled.best_params_ == pytest.approx(reg.best_params_)
    assert scaled.best_score_ == pytest.approx(reg.best_score_, rel=1e-3)
    assert scaled.predict(X) == pytest.approx(1e6 * reg.predict(X) - 3, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"alphas": [-1]}, r"alphas=\[-1\] must be a list of finite numbers"),
        ({"alphas": []}, r"alphas=\[\] must be"),
        ({"noise_inputs": [np.inf]}, r"noise_inputs=\[inf\] must be"),
        ({"noise_hiddens": [[0.1]]}, r"noise_hiddens=\[\[0.1\]\] must be"),
        ({"noise_inputs": ["much"]}, r"noise_inputs=\['much'\] must be"),
        ({"alphas": "some"}, "The 'alphas' parameter"),
        ({"selection": "worst"}, "The 'selection' parameter"),
        ({"cv": 1}, "The 'cv' parameter"),
        ({"scoring": "beauty"}, "The 'scoring' parameter"),
    ],
)
def test_what_cannot_be_used_is_told_before_training(options, match):
    for make, y in ((classifier, Y), (regressor, TARGETS)):
        with pytest.raises(ValueError, match=match):
            make(**options).fit(X, y)


def test_underflow_is_none_of_the_users_errors(clf, reg):
    far = 1e5 * X
    tiny = regressor().fit(X, 1e-200 * (TARGETS - 1e3))

    def use():
        yield from (clf.predict_proba(far), clf.predict_log_proba(far), reg.predict_interval(far))
        yield from tiny.predict(X, return_std=True)

    expected = list(use())
    with np.errstate(all="raise"):
        for found, known in zip(use(), expected, strict=True):
            np.testing.assert_array_equal(found, known)


def test_lazy_data_is_told_before_training(clf, reg):
    lazy = pl.DataFrame({"a": Y}).lazy()
    for model, y in ((clf, Y), (reg, TARGETS)):
        data = {"X": X, "y": y, "sample_weight": Y, "groups": Y}
        for name in data:
            with pytest.raises(TypeError, match=f"^{name} is a LazyFrame of polars"):
                clone(model).fit(**data | {name: lazy})
        with pytest.raises(TypeError, match="X is a LazyFrame of polars"):
            model.predict(lazy)


def test_a_failed_fit_leaves_the_estimator_as_it_was(clf):
    model = clone(clf).fit(X, Y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full_like(X, np.nan), Y)
    assert np.array_equal(model.predict_proba(X), before)


def test_words_say_what_was_chosen_and_whether_noise_was_worth_it(clf):
    words = clf.summary()
    on_all_rows = f"as long as {clf.best_params_['epochs']} on all rows"
    assert f"after {clf.n_iter_} of {N_EPOCHS} epochs, which is {on_all_rows}." in words
    assert "2 candidates by 3 folds" in words
    assert "Was noise worth it?" in words
    results = clf.cv_results_
    difference = results["mean_test_score"][1] - results["mean_test_score"][0]
    assert f"{difference:+.2g} [" in words
    assert "cannot be said: only one" in classifier(noise_inputs=[0]).fit(X, Y).summary()


def test_displays_draw_a_fitted_one(clf):
    curves = TrainingCurveDisplay.from_estimator(clf)
    assert np.array_equal(curves.lines_["val_loss"].get_ydata(), clf.history_["val_loss"])
    search = SearchMapDisplay.from_search(clf, "noise_input", "alpha")
    assert search.scores == pytest.approx(clf.cv_results_["mean_test_score"][None])
    assert search.best == (0, clf.best_index_)
