"""The compiled program against a NumPy trainer with the same draws, and against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from sknoise.training._stack import train_stack
from sknoise.training._types import Rows
from tests.oracles import trainer
from tests.training.tasks import make_task, with_model


def flat(weights):
    return np.concatenate([w.ravel() for w in weights])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"widths": (16, 12), "noise": (0.1, 0.3, 0.2), "n_classes": 4},
        {"batch_size": 8},
        {"batch_size": 8, "n_classes": 3, "n_rows": 37},
        {"batch_size": 8, "shuffle": False},
        {"noise": (0.4, 0.0)},
        {"noise": (0.0, 0.4)},
        {"noise": 0.0},
        {"noise": 3.0},
        {"optimizer": "sgd", "widths": (9, 8, 7)},
    ],
    ids=str,
)
def test_agrees_with_numpy_with_the_same_draws(rng, options):
    task = make_task(rng, **options)
    update = getattr(trainer, task.model.optimizer.name)
    weights, loss = trainer.train(task, update)
    (result,) = train_stack([task])
    np.testing.assert_allclose(flat(result.state.weights), flat(weights), atol=1e-4)
    np.testing.assert_allclose(result.history["loss"], loss, atol=1e-4)
    # The test must notice the noise, and the training.
    start = flat(task.model.state.weights)
    assert np.abs(flat(weights) - start).max() > 0.01


def test_validation_figures_are_of_the_weights_after_each_epoch(rng):
    task = make_task(rng, n_validation=11, n_classes=3, epochs=1)
    (result,) = train_stack([task])
    weights = [w.astype(float) for w in result.state.weights]
    rows = task.validation
    _, logits = trainer.passed(weights, rows.X, [0.0, 0.0])
    losses, _ = trainer.loss_and_error(logits, rows.y, "softmax")
    right = logits.argmax(axis=1) == rows.y
    for key, values in (("val_loss", losses), ("val_accuracy", right)):
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
    weights = [w.astype(float) for w in task.model.state.weights]
    _, logits = trainer.passed(weights, task.data.X, [0.0, 0.0])
    right = (logits[:, 0] > 0) == task.data.y
    (result,) = train_stack([task])
    expected = np.average(right, weights=task.data.weight)
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
