"""The compiled program against a NumPy trainer with the same draws, and against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from sknoise.training._stack import train_stack
from sknoise.training._types import Rows, State
from tests.oracles import trainer
from tests.training.tasks import make_task, noise, with_model


def flat(weights):
    return np.concatenate([w.ravel() for w in weights])


FALLING = np.linspace(2, 0, 50, dtype=np.float32)
SCALE = np.array([0.0, 1.0, 3.0], dtype=np.float32)

CASES = {
    "one hidden layer": {},
    "two hidden layers": {"widths": (16, 12), "noise": (0.1, 0.3, 0.2), "n_classes": 4},
    "minibatches": {"batch_size": 8},
    "uneven minibatches": {"batch_size": 8, "n_classes": 3, "n_rows": 37},
    "minibatches in order": {"batch_size": 8, "shuffle": False},
    "input": {"noise": (0.4, 0.0)},
    "hidden": {"noise": (0.0, 0.4)},
    "no noise": {"noise": 0.0},
    "much noise": {"noise": 3.0},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1, "widths": (9, 8, 7)},
    "activation, uniform": {"noise": noise("uniform", activation=[0.3, 0.2]), "widths": (9, 8)},
    "dropout, hidden": {
        "noise": noise(dropout=[0.2, 0.5], hidden=[0.0, 0.3]),
        "widths": (9, 8),
        "batch_size": 8,
    },
    "weights, laplace": {"noise": noise("laplace", weights=[0.3, 0.1]), "batch_size": 8},
    "all that multiplies": {
        "noise": noise(
            "uniform", True, input=[0.3], hidden=[0.2], activation=[0.4], weights=[0.3, 0.3]
        ),
        "feature_scale": SCALE,
    },
    "gradient": {"noise": noise(gradient=0.2), "batch_size": 8, "optimizer": "sgd"},
    "labels of three classes": {"noise": noise(target=0.3), "n_classes": 3},
    "labels of two classes": {"noise": noise(target=0.3), "schedule": FALLING, "batch_size": 8},
    "schedule and feature scale": {
        "noise": noise(input=[0.3], hidden=[0.2], weights=[0.1]),
        "schedule": FALLING,
        "feature_scale": SCALE,
        "batch_size": 16,
    },
    "penalty": {"penalty": 0.3, "batch_size": 8},
    "max_norm": {"max_norm": 0.7, "batch_size": 8},
    "two numbers": {
        "loss": "mean_squared_error",
        "n_outputs": 2,
        "noise": noise("laplace", target=0.4),
    },
    "absolute error": {"loss": "mean_absolute_error", "n_outputs": 1, "noise": noise(target=0.4)},
    "huber": {"loss": "huber", "n_outputs": 2, "noise": noise(input=[0.2]), "batch_size": 8},
    "counts": {"loss": "poisson", "n_outputs": 2},
    "many labels": {
        "loss": "binary_crossentropy",
        "n_outputs": 3,
        "noise": noise(target=0.2, dropout=[0.3]),
        "batch_size": 8,
    },
    "all at once": {
        "noise": noise(
            "laplace",
            input=[0.1],
            hidden=[0.2, 0.1],
            activation=[0.1, 0.2],
            dropout=[0.2, 0.1],
            weights=[0.05, 0.1, 0.05],
            gradient=0.05,
            target=0.1,
        ),
        "n_classes": 3,
        "widths": (9, 8),
        "batch_size": 8,
        "epochs": 25,
        "schedule": FALLING[:25],
        "feature_scale": SCALE,
        "penalty": 0.1,
        "max_norm": 1.2,
    },
}


def with_one_option_less(task):
    """Give the task without each of the options that it has."""
    whole = task.model.noise
    levels = [{s: v for s, v in whole.levels.items() if s != site} for site in whole.levels]
    noises = [replace(whole, levels=of) for of in levels]
    noises += [replace(whole, distribution="gaussian"), replace(whole, multiplicative=False)]
    changes = [{"noise": other} for other in noises if other != whole]
    for name, off in {"feature_scale": None, "penalty": 0.0, "max_norm": np.inf}.items():
        if np.any(getattr(task.model, name) != off):
            changes.append({name: off})
    others = [with_model(task, **change) for change in changes]
    return others if task.schedule is None else [*others, replace(task, schedule=None)]


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_agrees_with_numpy_with_the_same_draws(rng, options):
    task = make_task(rng, **options)
    update = getattr(trainer, task.model.optimizer.name)
    weights, loss = trainer.train(task, update)
    (result,) = train_stack([task])
    np.testing.assert_allclose(flat(result.state.weights), flat(weights), atol=1e-4)
    np.testing.assert_allclose(result.history["loss"], loss, atol=1e-4)
    # The test must notice the training, and each option.
    start = flat(task.model.state.weights)
    assert np.abs(flat(weights) - start).max() > 0.01
    for other in with_one_option_less(task):
        difference = flat(trainer.train(other, update)[0]) - flat(weights)
        assert np.abs(difference).max() > 0.01


@pytest.mark.parametrize(
    ("optimizer", "rate", "bound"), [("adam", 1e-3, 2e-3), ("sgd", 0.1, 1e-5)]
)
def test_float32_drifts_no_further_than_the_documentation_says(rng, optimizer, rate, bound):
    options = {"optimizer": optimizer, "learning_rate": rate, "noise": 0.1}
    task = make_task(rng, batch_size=8, epochs=200, **options)
    X = task.data.X.astype(float)
    update = getattr(trainer, optimizer)

    def probabilities(weights):
        return expit(trainer.outputs(task.model, [w.astype(float) for w in weights], X))

    exact = probabilities(trainer.train(task, update)[0])
    (result,) = train_stack([task])
    assert np.abs(probabilities(result.state.weights) - exact).max() < bound
    # Far less than what the noise does.
    quiet = probabilities(trainer.train(with_model(task, noise=(0.0, 0.0)), update)[0])
    assert np.abs(quiet - exact).max() > 10 * bound


@pytest.mark.parametrize(
    "options",
    [
        {"n_classes": 3},
        {"loss": "binary_crossentropy", "n_outputs": 3},
        {"loss": "poisson", "n_outputs": 2},
    ],
    ids=["classes", "many labels", "counts"],
)
def test_validation_figures_are_of_the_weights_after_each_epoch(rng, options):
    task = make_task(rng, n_validation=11, epochs=1, **options)
    (result,) = train_stack([task])
    rows, network = task.validation, task.model.network
    out = trainer.outputs(task.model, result.state.weights, rows.X)
    figures = {"val_loss": trainer.loss_and_error(out, rows.y, network.loss)[0]}
    if network.output == "softmax":
        figures["val_accuracy"] = out.argmax(axis=1) == rows.y
    elif network.output == "sigmoid":
        figures["val_accuracy"] = ((out > 0) == (rows.y > 0)).mean(axis=1)
    assert list(figures) == [name for name in result.history if name.startswith("val_")]
    for key, values in figures.items():
        np.testing.assert_allclose(
            result.history[key], [np.average(values, weights=rows.weight)], rtol=1e-5
        )


def test_validation_in_blocks(rng):
    # More rows than a block: they are the same few rows again and again.
    task = make_task(rng, n_validation=100, epochs=2)
    rows = task.validation
    many = Rows(np.tile(rows.X, (83, 1)), np.tile(rows.y, 83), np.tile(rows.weight, 83))
    (few,) = train_stack([task])
    (blocks,) = train_stack([replace(task, validation=many)])
    for key in ("val_loss", "val_accuracy"):
        np.testing.assert_allclose(blocks.history[key], few.history[key], rtol=1e-5)


def test_training_accuracy_is_weighted(rng):
    task = make_task(rng, noise=0.0, epochs=1)
    logits = trainer.outputs(task.model, task.model.state.weights, task.data.X)
    right = (logits[:, 0] > 0) == task.data.y
    (result,) = train_stack([task])
    expected = np.average(right, weights=task.data.weight)
    np.testing.assert_allclose(result.history["accuracy"], [expected], rtol=1e-6)


def test_a_probability_of_one_half_is_no_yes(rng):
    task = make_task(rng, noise=0.0, epochs=1)
    *first, kernel, bias = task.model.state.weights
    task = with_model(task, state=State([*first, 0 * kernel, 0 * bias]))
    (result,) = train_stack([task])
    expected = np.average(task.data.y == 0, weights=task.data.weight)
    np.testing.assert_allclose(result.history["accuracy"], [expected], rtol=1e-6)


def mean_gradients(task, n):
    """Give the mean over n networks of the first step's change over the rate, and its error."""
    tasks = [replace(task, model=replace(task.model, key=key)) for key in range(n)]
    before = flat(task.model.state.weights)
    changes = np.stack([before - flat(r.state.weights) for r in train_stack(tasks)])
    gradients = changes.astype(float) / task.model.learning_rate
    return gradients.mean(axis=0), gradients.std(axis=0) / np.sqrt(n)


def one_linear_unit(rng, a, b, s):
    """Make a task of one step for the logit a.(x + e) + b, with noise e of level s."""
    task = make_task(
        rng,
        widths=(1,),
        noise=(s, 0.0),
        activation="linear",
        optimizer="sgd",
        learning_rate=1.0,
        epochs=1,
    )
    weights = [np.array(w, dtype=np.float32) for w in (a, b, [[1]], [0])]
    return with_model(task, state=replace(task.model.state, weights=weights))


def test_mean_gradient_under_input_noise_is_the_analytic_one(rng):
    # One linear unit, logistic loss: with u = a.(x + e) + b and e ~ N(0, s^2), Stein's lemma
    # gives E[(sigma(u) - y)(x + e)] = E[sigma(u) - y] x + s^2 a E[sigma'(u)], with u normal.
    a, b, s = np.array([[0.3], [-0.2], [0.5]]), np.array([0.1]), 0.5
    task = one_linear_unit(rng, a, b, s)
    mean, error = mean_gradients(task, 4096)

    X, y, w = task.data.X.astype(float), task.data.y, task.data.weight / len(task.data)
    nodes, mass = np.polynomial.hermite_e.hermegauss(60)
    u = (X @ a + b) + s * np.linalg.norm(a) * nodes
    p = expit(u) @ mass / mass.sum()
    slope = (expit(u) * (1 - expit(u))) @ mass / mass.sum()
    gradient = w * (p - y) @ X + s**2 * a[:, 0] * (w @ slope)
    assert np.abs((mean[:3] - gradient) / error[:3]).max() < 4.5
    assert np.abs((mean[3] - w @ (p - y)) / error[3]) < 4.5
    # Without the noise's own term the difference would show.
    assert np.abs(s**2 * a[:, 0] * (w @ slope) / error[:3]).min() > 10


def test_near_zero_noise_shrinks_as_ridge(rng):
    # Near zero the logistic loss is quadratic with curvature 1/4, and noise on the input adds
    # the gradient of (s^2 / 8) |a|^2 (Bishop 1995).
    a, s = np.array([[0.03], [-0.02], [0.05]]), 0.5
    noisy = one_linear_unit(rng, a, [0], s)
    quiet = with_model(noisy, noise=(0.0, 0.0))
    (still,) = train_stack([quiet])
    clean = flat(quiet.model.state.weights) - flat(still.state.weights)
    mean, error = mean_gradients(noisy, 4096)
    ridge = s**2 / 4 * a[:, 0]
    # The exact curvature lies a percent below 1/4.
    assert np.abs(mean[:3] - clean[:3] - ridge).max() < 4.5 * error[:3].max() + 1e-4
