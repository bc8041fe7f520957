"""The Keras layer: its distributions, its effect in training only, and that it can be saved."""

import keras
import numpy as np
import pytest
from scipy import stats

from sknoise.keras._layer import Noise, noise_layer
from sknoise.keras._model import keras_model
from tests.training.tasks import make_task

LAWS = {
    "gaussian": stats.norm(),
    "uniform": stats.uniform(-(3**0.5), 12**0.5),
    "laplace": stats.laplace(scale=0.5**0.5),
}
ROWS = np.tile(np.array([[-1.0, 2.0, 0.5, 0.0]], dtype=np.float32), (5_000, 1))


def added(layer, rows=ROWS):
    """Give what the layer adds in training."""
    return np.asarray(layer(rows, training=True)).astype(float) - rows


@pytest.mark.parametrize("distribution", LAWS)
@pytest.mark.parametrize("multiplicative", [False, True])
@pytest.mark.parametrize("scale", [None, (1, 3, 0, 2)])
def test_the_noise_has_its_law(distribution, multiplicative, scale):
    layer = Noise(1.5, distribution, multiplicative, scale, seed=0)
    width = 1.5 * np.array(scale or (1, 1, 1, 1)) * (np.abs(ROWS[0]) if multiplicative else 1)
    noise = added(layer)
    np.testing.assert_array_equal(noise[:, width == 0], 0)
    for draws in (noise[:, width > 0] / width[width > 0]).T:
        assert stats.kstest(draws, LAWS[distribution].cdf).pvalue > 1e-4


def test_to_multiply_is_by_one_more_than_what_is_added():
    plus, times = (Noise(0.5, multiplicative=m, seed=0) for m in (False, True))
    np.testing.assert_allclose(added(times), ROWS * added(plus), atol=1e-6)


def test_by_default_it_is_added_gaussian_noise():
    assert stats.kstest(added(Noise(2.0, seed=0)).ravel() / 2, "norm").pvalue > 1e-4


def test_there_is_none_at_prediction():
    layer = Noise(2.0, seed=0)
    np.testing.assert_array_equal(layer(ROWS), ROWS)
    np.testing.assert_array_equal(layer(ROWS, training=False), ROWS)


def test_the_draws_follow_the_seed():
    first, same, other = (added(Noise(1.0, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1
    assert np.abs(added(Noise(1.0)) - added(Noise(1.0))).max() > 1
    # Each pass draws anew.
    layer = Noise(1.0, seed=1)
    assert np.abs(added(layer) - added(layer)).max() > 1


def test_extreme_draws_are_finite(monkeypatch):
    x = np.array([[-1.0, -0.5, 0.0, 0.5, 1 - 2**-24]], dtype=np.float32)

    def uniform(shape, low, high, dtype, seed):
        assert (tuple(shape), low, high) == (x.shape, -1, 1)
        return keras.ops.convert_to_tensor(x, dtype)

    monkeypatch.setattr(keras.random, "uniform", uniform)
    noise = added(Noise(1.0, "laplace", seed=0), np.zeros_like(x))
    # What is closer to the ends of the interval than Keras's epsilon is taken for that far.
    exact = stats.laplace(scale=0.5**0.5).ppf(
        (np.clip(x.astype(float), 1e-7 - 1, 1 - 1e-7) + 1.0) / 2
    )
    np.testing.assert_allclose(noise, exact, rtol=1e-5)


@pytest.mark.parametrize("distribution", LAWS)
def test_it_computes_in_the_type_of_the_layer(distribution):
    layer = Noise(1.0, distribution, scale=(1, 1, 1, 1), seed=0, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(layer(ROWS, training=True).dtype) == "bfloat16"


@pytest.mark.parametrize("scale", [None, [0.5, 1.0, 2.0, 0.0]])
def test_its_configuration_makes_it_again(scale):
    layer = Noise(1.7, "laplace", True, scale, 3, name="some")
    config = layer.get_config()
    again = Noise.from_config(config)
    assert again.get_config() == config
    assert again.name == "some"
    np.testing.assert_array_equal(added(again), added(layer))
    # Keras finds the class by its registered name.
    assert isinstance(
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)), Noise
    )


@pytest.mark.parametrize(
    ("stddev", "distribution", "multiplicative", "scale", "kind"),
    [
        (0.5, "gaussian", False, None, keras.layers.GaussianNoise),
        (1.0, "gaussian", False, None, keras.layers.GaussianNoise),
        (1.1, "gaussian", False, None, Noise),
        (0.5, "uniform", False, None, Noise),
        (0.5, "gaussian", True, None, Noise),
        (0.5, "gaussian", False, (1, 0, 2, 1), Noise),
    ],
)
def test_kerass_own_layer_where_it_will_do(stddev, distribution, multiplicative, scale, kind):
    layer = noise_layer(stddev, 3, distribution, multiplicative, scale, name="some")
    assert type(layer) is kind
    assert (layer.name, layer.stddev, layer.seed) == ("some", stddev, 3)
    if kind is Noise:
        expected = Noise(stddev, distribution, multiplicative, scale, 3)
        np.testing.assert_array_equal(added(layer), added(expected))


def test_seeds_have_31_bits_as_pytorchs_have(rng):
    models = [keras_model(make_task(rng, key=key).model) for key in range(8)]
    seeds = {layer.seed for model in models for layer in model.layers if hasattr(layer, "seed")}
    assert len(seeds) == 16
    assert max(seeds) < 2**31
