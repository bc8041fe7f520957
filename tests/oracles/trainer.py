"""A plain NumPy trainer in float64 that draws the same noise: the oracle of the program."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from tests.oracles.philox import shuffled, standard_normal

EPSILON = 1e-7


def adam(weights, gradients, memory, t, rate):
    """Kingma and Ba (2015), with Keras's defaults."""
    for i, g in enumerate(gradients):
        m, v = memory.get(i, (0.0, 0.0))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        memory[i] = m, v
        step = rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights[i] = weights[i] - step * m / (np.sqrt(v) + EPSILON)


def sgd(weights, gradients, memory, t, rate):
    """Plain gradient descent."""
    for i, g in enumerate(gradients):
        weights[i] = weights[i] - rate * g


def passed(weights, X, noise):
    """Give the layers' inputs and the logits of a relu network."""
    inputs = [X + noise[0]]
    for W, b, z in zip(weights[:-2:2], weights[1:-2:2], noise[1:], strict=True):
        inputs.append(np.maximum(inputs[-1] @ W + b + z, 0))
    return inputs, inputs[-1] @ weights[-2] + weights[-1]


def loss_and_error(logits, y, output):
    """Give each row's loss and its derivative by the logits."""
    if output == "sigmoid":
        z = logits[:, 0]
        return np.logaddexp(0, z) - y * z, (expit(z) - y)[:, None]
    p = softmax(logits, axis=1)
    rows = np.arange(len(y))
    return -np.log(p[rows, y]), p - np.eye(p.shape[1])[y]


def gradients(weights, X, y, weight, noise, output):
    """Give the weighted losses and the gradients of their mean by backpropagation."""
    inputs, logits = passed(weights, X, noise)
    losses, error = loss_and_error(logits, y, output)
    error = error * weight[:, None] / len(X)
    out = []
    for i in range(len(weights) - 2, -1, -2):
        out[:0] = [inputs[i // 2].T @ error, error.sum(axis=0)]
        if i:
            error = (error @ weights[i].T) * (inputs[i // 2] > 0)
    return losses * weight, out


def train(task, update):
    """Train a task; give its weights and the history of its loss."""
    model, data = task.model, task.data
    weights = [w.astype(float) for w in model.state.weights]
    memory, history, step = {}, [], 0
    for epoch in range(task.epochs):
        order = np.arange(len(data))
        if task.shuffle and task.n_batches > 1:
            order = shuffled(model.key, data.keys, epoch)
        losses = []
        for j in range(task.n_batches):
            rows = order[j * task.batch_size : (j + 1) * task.batch_size]
            noise = [
                s * standard_normal(model.key, data.keys[rows], step, site, width)
                for site, (s, width) in enumerate(
                    zip(model.noise, model.network.sizes, strict=False)
                )
            ]
            loss, grads = gradients(
                weights,
                data.X[rows].astype(float),
                data.y[rows],
                data.weight[rows],
                noise,
                model.network.output,
            )
            step += 1
            update(weights, grads, memory, step, model.learning_rate)
            losses.append(loss)
        history.append(np.concatenate(losses).mean())
    return weights, np.array(history)
