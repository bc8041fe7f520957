"""Parameters that are "auto": what they stand for, and when that is measured."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from skops import io as skops

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor, noise_curve

KINDS = {"classifier": NoisyMLPClassifier, "regressor": NoisyMLPRegressor}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


@pytest.fixture(name="X")
def features(rng):
    return rng.normal(size=(40, 2))


@pytest.fixture
def y(X, rng, kind):
    y = X[:, 0] + 0.5 * rng.normal(size=40)
    return y > 0 if kind is NoisyMLPClassifier else y


def assert_same_bits(one, other):
    assert one.n_iter_ == other.n_iter_
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)
    assert one.history_.keys() == other.history_.keys()
    for name, figures in one.history_.items():
        np.testing.assert_array_equal(figures, other.history_[name])


def numbers(fitted):
    """Give what "auto" stands for in a fit to 40 rows."""
    square = fitted.unexplained_**2
    levels = {"alpha": 0.6 * square, "noise_input": 0.2 * square, "noise_hidden": 0.03 * square}
    return levels | {"epochs": fitted.n_iter_, "batch_size": 4}


def test_auto_is_the_numbers_that_it_stands_for(X, y, kind):
    auto = kind(10, random_state=0).fit(X, y)
    assert 0.1 < auto.unexplained_ < 0.9
    # 10 steps an epoch.
    assert auto.n_iter_ == (46 if kind is NoisyMLPClassifier else 93)
    given = kind(10, random_state=0, **numbers(auto)).fit(X, y)
    assert given.unexplained_ is None
    assert_same_bits(given, auto)
    # Each of them counts.
    for name in ("alpha", "noise_input", "noise_hidden"):
        other = clone(given).set_params(**{name: numbers(auto)[name] * 1.01}).fit(X, y)
        assert (other.coefs_[0] != auto.coefs_[0]).any()


def test_so_it_is_in_stacks(X, y, kind):
    # Each network measures its own rows.
    parts = [(X[:32], y[:32]), (X[8:], y[8:])]

    def fitted(*networks):
        with joblib.parallel_config(backend="sknoise"):
            fits = zip(networks, parts, strict=True)
            return joblib.Parallel()(joblib.delayed(n.fit)(*part) for n, part in fits)

    autos = fitted(*(kind(10, random_state=0) for _ in parts))
    assert autos[0].unexplained_ != autos[1].unexplained_
    given = fitted(*(kind(10, random_state=0, **numbers(auto)) for auto in autos))
    for auto, by_hand, part in zip(autos, given, parts, strict=True):
        assert_same_bits(by_hand, auto)
        alone = kind(10, random_state=0).fit(*part)
        assert alone.unexplained_ == auto.unexplained_
        assert alone.n_iter_ == auto.n_iter_
        np.testing.assert_allclose(auto.coefs_[0], alone.coefs_[0], atol=1e-4)


def test_so_it_is_with_keras(X, y, kind):
    auto = kind(5, random_state=0, engine="keras", epochs=3).fit(X, y)
    given = kind(5, random_state=0, engine="keras", **numbers(auto)).fit(X, y)
    assert_same_bits(given, auto)
    layers = {layer.name: layer for layer in auto.model_.layers}
    levels = [layers[name].stddev for name in ("noise_input", "noise_hidden_1")]
    expected = [numbers(auto)[name] for name in ("noise_input", "noise_hidden")]
    np.testing.assert_allclose(levels, expected, rtol=1e-6)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_are_repetitions_and_order_is_forgotten(X, y, kind, rng, early_stopping):
    network = kind(10, early_stopping=early_stopping, random_state=0)
    # Of rows given so often, early stopping holds a part out.
    times = rng.permutation(np.tile([1, 1, 2, 3, 9], 8))
    weighted = clone(network).fit(X, y, times)
    repeated = clone(network).fit(X.repeat(times, axis=0), y.repeat(times))
    order = rng.permutation(40)
    shuffled = clone(network).fit(X[order], y[order], times[order])
    for other in (repeated, shuffled):
        assert_same_bits(other, weighted)
        assert other.unexplained_ == weighted.unexplained_
    # The copies make for a longer training than the rows would.
    if not early_stopping:
        assert weighted.n_iter_ > network.fit(X, y).n_iter_


def test_of_other_weights_only_the_ratios_matter(X, y, kind, rng):
    weight = rng.uniform(0.1, 3, size=40)
    plain = kind(10, random_state=0).fit(X, y, weight)
    assert_same_bits(kind(10, random_state=0).fit(X, y, weight / 64), plain)
    ones = kind(10, random_state=0).fit(X, y)
    assert_same_bits(kind(10, random_state=0).fit(X, y, 0.5), ones)
    # But for an alpha that is a number: as in scikit-learn, it is beside the weights.
    given = kind(10, alpha=1, random_state=0).fit(X, y)
    assert_same_bits(kind(10, alpha=0.5, random_state=0).fit(X, y, 0.5), given)
    lighter = kind(10, alpha=1, random_state=0).fit(X, y, 0.5)
    assert (lighter.coefs_[0] != given.coefs_[0]).any()


def test_boosting_whose_weights_sum_to_one(X):
    network = NoisyMLPClassifier(20, random_state=0)
    # A penalty forty times as strong would leave two thirds of it right.
    y = np.abs(X[:, 0]) > 0.7
    boosted = AdaBoostClassifier(network, n_estimators=2, random_state=0)
    assert boosted.fit(X, y).score(X, y) > 0.85


def through_skops(network):
    content = skops.dumps(network)
    return skops.loads(content, trusted=skops.get_untrusted_types(data=content))


KEPT = {
    "here": lambda network: network,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
    "skops": through_skops,
}


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_training_that_goes_on_keeps_what_was_measured_first(X, y, kind, keep):
    classes = {"classes": [0, 1]} if kind is NoisyMLPClassifier else {}
    first, other = slice(0, 30), slice(5, 40)
    fresh = kind(10, epochs=2, random_state=0)
    measured = [clone(fresh).fit(X[part], y[part]).unexplained_ for part in (first, other)]
    assert measured[0] != measured[1]

    warm = keep(clone(fresh).set_params(warm_start=True).fit(X[first], y[first]))
    assert warm.unexplained_ == measured[0]
    given = numbers(warm) | {"epochs": 2}
    warm.fit(X[other], y[other])
    assert warm.unexplained_ == measured[0]
    by_hand = clone(fresh).set_params(warm_start=True, **given)
    assert_same_bits(by_hand.fit(X[first], y[first]).fit(X[other], y[other]), warm)

    parts = keep(clone(fresh).partial_fit(X[first], y[first], **classes))
    parts.partial_fit(X[other], y[other])
    assert parts.unexplained_ == measured[0]
    by_hand = clone(fresh).set_params(**given).partial_fit(X[first], y[first], **classes)
    assert_same_bits(by_hand.partial_fit(X[other], y[other]), parts)
    # From new weights it is measured anew.
    assert parts.fit(X[other], y[other]).unexplained_ == measured[1]


def test_what_was_not_measured_at_first_is_when_it_is_asked_for(X, y, kind):
    classes = {"classes": [0, 1]} if kind is NoisyMLPClassifier else {}
    network = kind(10, alpha=0, noise_input=0, noise_hidden=0, epochs=2, random_state=0)
    network.partial_fit(X[:30], y[:30], **classes)
    assert network.unexplained_ is None
    network.set_params(alpha="auto").partial_fit(X[5:], y[5:])
    measured = network.unexplained_
    assert measured == clone(network).fit(X[5:], y[5:]).unexplained_
    # Once there, it is kept.
    assert network.set_params(alpha=0).partial_fit(X[:30], y[:30]).unexplained_ == measured


def test_early_stopping_stops_before_the_automatic_number_of_epochs(X, y, kind):
    network = kind(10, learning_rate=0.03, random_state=0)
    most = network.fit(X, y).n_iter_
    stopped = clone(network).set_params(early_stopping=True).fit(X, y)
    assert len(stopped.history_["val_loss"]) == stopped.n_iter_ < most
    # Validation data that is given changes neither length nor levels.
    shown = clone(network).fit(X, y, X_val=X[:5], y_val=y[:5])
    assert shown.unexplained_ == network.unexplained_
    np.testing.assert_array_equal(shown.coefs_[0], network.coefs_[0])


CELLS = np.array(np.meshgrid(*[[0, 1]] * 6)).reshape(6, -1).T


def test_a_table_of_few_cells_is_learnt(kind, rng):
    # The rows train as 64, the jittered ones apart: for as many steps.
    X = CELLS[rng.integers(64, size=1000)]
    y = (X[:, 0] ^ X[:, 1]) + 2 * (X[:, 2] & X[:, 3])
    network = kind(50, random_state=0)
    jittered = clone(network).fit(X + 1e-6 * rng.normal(size=X.shape), y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.fit(X, y)
    for fitted in (network, jittered):
        assert (np.rint(fitted.predict(X)) == y).all()
    assert network.n_iter_ > 10 * jittered.n_iter_
    # As many epochs as the jittered ones took are a step each, and too few.
    network.set_params(epochs=jittered.n_iter_)
    with pytest.warns(ConvergenceWarning, match=r"The 1000 rows are 64 .* Use epochs='auto', or"):
        network.fit(X, y)
    assert (np.rint(network.predict(X)) != y).any()


def test_noise_curves_leave_what_they_do_not_name_to_the_data(X, y, kind):
    network = kind(5, epochs=3, batch_size=None)
    even, odd = np.arange(0, 40, 2), np.arange(1, 40, 2)
    splits = [(even, odd), (odd, even)]
    curve = noise_curve(network, X, y, [1], param_names="noise_input", cv=splits, random_state=0)
    metric = "accuracy" if kind is NoisyMLPClassifier else "r2"
    for j, level in enumerate((0, 1)):
        for k, (train, test) in enumerate(splits):
            by_hand = clone(network).set_params(
                noise_input=level, random_state=int(curve.seeds[k])
            )
            score = by_hand.fit(X[train], y[train]).score(X[test], y[test])
            assert by_hand.unexplained_ > 0
            scores = curve.at_length[1].scores[metric]
            assert scores[0, j, k] == pytest.approx(score, abs=1e-4)
