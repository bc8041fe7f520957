"""Targets in any units: training does not see them, and all that is fitted speaks them."""

import pickle

import joblib
import keras
import numpy as np
import onnxruntime
import pytest
from skl2onnx import to_onnx
from skops import io as skops

from sknoise import NoisyMLPRegressor, register_onnx
from sknoise.training import _stack

SHIFTS, SCALES = (-1e6, 0, 1e6), (1e-4, 1, 1e16)
QUIET = {"noise_input": 0, "noise_hidden": 0}


def small(**options):
    defaults = {"nodes": 20, "epochs": 30, "learning_rate": 0.01, "random_state": 0}
    return NoisyMLPRegressor(**defaults | options)


def weights(reg):
    return [*reg.coefs_, *reg.intercepts_]


def assert_same_bits(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)
    for name, figures in one.history_.items():
        np.testing.assert_array_equal(figures, other.history_[name])


@pytest.fixture(name="X")
def features(rng):
    return rng.normal(size=(80, 2))


@pytest.fixture
def waves(X, rng):
    return np.sin(X[:, 0]) + X[:, 1] + rng.normal(scale=0.3, size=80)


@pytest.mark.parametrize(
    "options",
    [
        QUIET,
        {},
        {"noise_target": 0.3, "alpha": 0.1, "noise_weights": 0.1, "loss": "huber"},
        {"early_stopping": True, "monitor": "loss", "min_delta": 0.02, "patience": 3},
        {"early_stopping": True, "patience": 3, "loss": "absolute_error", "epochs": 100},
    ],
    ids=str,
)
def test_units_do_not_matter(X, waves, options):
    reg = small(**options)
    plain = reg.fit(X, waves)
    expected, n_iter, loss = plain.score(X, waves), plain.n_iter_, plain.history_["loss"]
    assert expected > 0.7
    for shift in SHIFTS:
        for scale in SCALES:
            y = shift + scale * waves
            assert reg.fit(X, y).score(X, y) == pytest.approx(expected, abs=1e-4)
            assert reg.n_iter_ == n_iter
            np.testing.assert_allclose(reg.history_["loss"], loss, atol=1e-4)


def test_the_keras_engine_standardises_too(X, waves):
    scores = [
        small(engine="keras", epochs=10, **QUIET).fit(X, y).score(X, y)
        for y in (waves, 1e6 + 1e-4 * waves)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert scores[0] > 0.5


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_each_output_is_standardised_by_itself(X, waves, rng, loss):
    weight = rng.uniform(size=80)
    z = np.column_stack([waves, X[:, 0] ** 2])
    mean = np.average(z, axis=0, weights=weight)
    z = (z - mean) / np.sqrt(np.average((z - mean) ** 2, axis=0, weights=weight))
    by_hand = small(loss=loss, noise_target=0.1).fit(X, z, weight)
    shift, scale = np.array([1e6, -7]), np.array([1e-2, 1e16])
    y = shift + scale * z
    reg = small(loss=loss, noise_target=0.1).fit(X, y, weight)
    off = (reg.predict(X) - (shift + scale * by_hand.predict(X))) / scale
    np.testing.assert_allclose(off, 0, atol=1e-5)
    np.testing.assert_allclose(reg.history_["loss"], by_hand.history_["loss"], atol=1e-5)
    np.testing.assert_allclose(reg.coefs_[0], by_hand.coefs_[0], atol=1e-5)
    np.testing.assert_allclose(reg.coefs_[1], by_hand.coefs_[1] * scale, rtol=1e-3)
    # Standardised targets are left as they are.
    np.testing.assert_allclose(by_hand._fitted.units.scale, 1, rtol=1e-12)


def test_figures_are_in_standard_deviations(X, waves):
    y = 1000 + 50 * waves
    reg = small(**QUIET, epochs=5).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    error = np.mean((reg.predict(X[60:]) - y[60:]) ** 2)
    assert reg.history_["val_loss"][-1] == pytest.approx(error / y[:60].var(), rel=1e-5)


@pytest.mark.parametrize("factor", [1e-6, 1e4])
def test_counts_are_divided_by_their_mean(X, rng, factor):
    y = rng.poisson(np.exp(1 + X @ [0.5, -0.3])).astype(float)
    plain = small(loss="poisson").fit(X, y)
    reg = small(loss="poisson").fit(X, y * factor)
    np.testing.assert_allclose(reg.predict(X), plain.predict(X) * factor, rtol=1e-5)
    np.testing.assert_allclose(reg.history_["loss"], plain.history_["loss"], atol=1e-6)
    # The unit is the mean.
    assert plain._fitted.units.scale == pytest.approx(y.mean())
    assert plain._fitted.units.center == 0
    assert plain.predict(X).mean() == pytest.approx(y.mean(), rel=0.1)


OPTIONS = {
    "several": {},
    "in order": {"shuffle": False, "batch_size": 16},
    "held out": {"early_stopping": True, "patience": 3},
    "counts": {"loss": "poisson"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_weights_are_repetitions_and_order_is_forgotten(X, waves, rng, options):
    y = np.column_stack([1e6 + 1e-4 * waves, np.abs(waves) * 1e5])
    times = rng.integers(1, 4, size=80)
    weighted = small(**options).fit(X, y, times)
    if options.get("shuffle", True):
        repeated = small(**options).fit(X.repeat(times, axis=0), y.repeat(times, axis=0))
        assert_same_bits(weighted, repeated)
        # Sums of such weights depend on their order.
        weight = rng.uniform(size=80)
        order = rng.permutation(80)
        assert_same_bits(
            small(**options).fit(X, y, weight),
            small(**options).fit(X[order], y[order], weight[order]),
        )
    assert weighted.n_iter_ > 1


def through_skops(reg):
    content = skops.dumps(reg)
    return skops.loads(content, trusted=skops.get_untrusted_types(data=content))


KEPT = {
    "here": lambda reg: reg,
    "pickle": lambda reg: pickle.loads(pickle.dumps(reg)),
    "skops": through_skops,
}


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_training_goes_on_to_the_last_bit(X, waves, keep, loss):
    y = np.column_stack([1e6 + 1e-4 * waves, np.abs(waves) * 1e16])
    whole = small(loss=loss, epochs=6).fit(X, y)
    warm = keep(small(loss=loss, epochs=3, warm_start=True).fit(X, y)).fit(X, y)
    assert_same_bits(warm, whole)
    steps = small(loss=loss)
    for _ in range(6):
        steps = keep(steps.partial_fit(X, y))
    assert_same_bits(steps, whole)
    np.testing.assert_array_equal(keep(whole).predict(X), whole.predict(X))


def test_units_are_those_of_the_first_training(X, waves):
    reg = small().partial_fit(X[:40], waves[:40])
    units = reg._fitted.units
    reg.partial_fit(X[40:], 5 + 3 * waves[40:])
    assert reg._fitted.units is units
    assert units.center == pytest.approx(waves[:40].mean())
    # From new weights they are new.
    reg.fit(X, 5 + waves)
    assert reg._fitted.units.center == pytest.approx(5 + waves.mean())


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_weights_that_are_set_count(X, waves, loss):
    y = 1e3 + waves
    reg = small(loss=loss).fit(X, y)
    reg.coefs_[-1] = np.zeros_like(reg.coefs_[-1])
    reg.intercepts_[-1] = np.full(1, 7.0)
    expected = np.full(80, np.exp(7) if loss == "poisson" else 7)
    np.testing.assert_allclose(reg.predict(X), expected)
    np.testing.assert_allclose(reg.keras_regressor_.predict(X), expected, rtol=1e-5)
    # Steps that move nothing: training goes on from there.
    reg.set_params(optimizer="sgd", learning_rate=1e-30).partial_fit(X, y)
    np.testing.assert_allclose(reg.predict(X), expected, rtol=1e-4)


@pytest.mark.parametrize("engine", ["compiled", "keras"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_models_for_others_speak_the_same_units(X, waves, loss, engine):
    y = np.column_stack([1000 + 50 * waves, 2e6 + 1e6 * waves]).clip(0)
    reg = small(loss=loss, engine=engine, epochs=5).fit(X, y)
    rows = X.astype(np.float32)
    expected = reg.predict(rows)
    assert np.abs(expected.mean(axis=0) / y.mean(axis=0) - 1).max() < 0.2
    register_onnx()
    session = onnxruntime.InferenceSession(to_onnx(reg, rows[:1]).SerializeToString())
    (onnx,) = session.run(None, {session.get_inputs()[0].name: rows})
    for out in (reg.model_.predict(rows, verbose=0), reg.keras_regressor_.predict(rows), onnx):
        np.testing.assert_allclose(out, expected, rtol=1e-5)
    # Nothing of that changes how training goes on.
    again = small(loss=loss, engine=engine, epochs=5, warm_start=True).fit(X, y).fit(X, y)
    assert_same_bits(reg.set_params(warm_start=True).fit(X, y), again)


@pytest.mark.parametrize("engine", ["compiled", "keras"])
def test_keras_callbacks_see_what_is_trained(X, waves, engine):
    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.seen = self.model.get_weights()

    reg = small(engine=engine, epochs=3, callbacks=[Look()]).fit(X, 1e6 + 1e-4 * waves)
    *_, kernel, bias = reg.callbacks_[0].seen
    units = reg._fitted.units
    np.testing.assert_array_equal(reg.coefs_[-1], kernel.astype(float) * units.scale)
    np.testing.assert_array_equal(
        reg.intercepts_[-1], bias.astype(float) * units.scale + units.center
    )


def test_the_output_is_in_double_precision(X, waves):
    reg = small(nodes=(5, 4), epochs=1).fit(X, waves)
    kinds = [np.float32, np.float32, np.float64]
    assert [a.dtype for a in reg.coefs_] == [a.dtype for a in reg.intercepts_] == kinds


def test_targets_that_single_precision_merges(X):
    y = 1e9 + np.digitize(X[:, 0], [-1, -0.5, 0, 0.5, 1])
    assert len(np.unique(y.astype(np.float32))) == 1
    assert small(epochs=100).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("value", [0, 5, -1e9, 1e299])
def test_constants(X, value):
    predicted = small(epochs=100).fit(X, np.full(80, value)).predict(X)
    np.testing.assert_allclose(predicted, value, rtol=1e-12, atol=0.2)


def test_stacks_mix_units(X, waves):
    targets = [waves, 1e6 + waves, 1e16 * waves]
    with joblib.parallel_config(backend="sknoise"):
        fits = joblib.Parallel()(joblib.delayed(small().fit)(X, y) for y in targets)
    for reg, y in zip(fits, targets, strict=True):
        assert reg.score(X, y) == pytest.approx(small().fit(X, y).score(X, y), abs=1e-4)


def test_targets_that_are_too_far_are_refused_before_any_training(X, waves, monkeypatch):
    reg = small(epochs=2).fit(X, waves)

    def refuse(*_):
        raise AssertionError("training has started")

    monkeypatch.setattr(_stack, "train_stack", refuse)
    with pytest.raises(ValueError, match=r"y has 1e\+39, too far from the targets of the first"):
        reg.partial_fit(X, np.full(80, 1e39))
    with pytest.raises(ValueError, match=r"y_val has 1e\+39, too far from"):
        reg.fit(X, waves, X_val=X, y_val=np.full(80, 1e39))
    with pytest.raises(ValueError, match=r"y has 1e\+301 or its negative"):
        reg.fit(X, 1e301 * np.sign(waves))
    with pytest.raises(ValueError, match="cannot go on with another network"):
        reg.partial_fit(X, np.column_stack([waves, waves, waves]))
