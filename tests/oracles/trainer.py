"""A plain NumPy trainer in float64 that draws the same noise: the oracle of the program."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, softmax

from sknoise.noise._sites import Site
from sknoise.training._types import Model, Noise
from tests.oracles.philox import fractions, noise, shuffled

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


# Each with its derivative, as a function of the activation.
ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "tanh": (np.tanh, lambda a: 1 - a**2),
}


def _huber(z, y):
    inside = np.clip(z - y, -1, 1)
    return inside * (z - y - inside / 2), inside


# An output's loss and its derivative by the output before its activation.
LOSSES = {
    "binary_crossentropy": lambda z, y: (np.logaddexp(0, z) - y * z, expit(z) - y),
    "mean_squared_error": lambda z, y: ((z - y) ** 2, 2 * (z - y)),
    "mean_absolute_error": lambda z, y: (np.abs(z - y), np.sign(z - y)),
    "huber": _huber,
    "poisson": lambda z, y: (np.exp(z) - y * z, np.exp(z) - y),
}


def loss_and_error(out, y, loss):
    """Give each row's loss and its derivative by the outputs before their activation."""
    if loss == "categorical_crossentropy":
        p = softmax(out, axis=1)
        return -np.log(p[np.arange(len(y)), y]), p - np.eye(p.shape[1])[y]
    losses, error = LOSSES[loss](out, y.reshape(out.shape))
    return losses.mean(axis=1), error / out.shape[1]


@dataclass
class Step:
    """The noise of a step: what it perturbs is multiplied by a factor, and shifted."""

    model: Model
    row_keys: np.ndarray
    number: int
    scheduled: float

    def level(self, site):
        return self.model.noise.levels.get(site, 0.0)

    def noise(self, distribution, site, keys, width):
        return noise(distribution, self.model.key, keys, self.number, site.number, width)

    def fractions(self, site, width):
        return fractions(self.model.key, self.row_keys, self.number, site.number, width)

    def perturbation(self, site, keys, width, scale=1.0):
        """Give factor and shift."""
        if not self.level(site):
            return 1.0, 0.0
        z = self.noise(self.model.noise.distribution, site, keys, width)
        z = self.level(site) * self.scheduled * scale * z
        return (1 + z, 0.0) if self.model.noise.multiplicative else (1.0, z)

    def dropout(self, layer, width):
        """Give what multiplies the units."""
        site = Site("dropout", layer)
        rate = self.level(site)
        return (self.fractions(site, width) >= rate) / (1 - rate) if rate else 1.0

    def on_input(self, X):
        scale = 1.0 if self.model.feature_scale is None else self.model.feature_scale
        factor, shift = self.perturbation(Site("input"), self.row_keys, X.shape[1], scale)
        return factor * X + shift

    def on_kernel(self, W, layer):
        """Give the perturbed kernel, and its derivative by the kernel."""
        keys = np.arange(len(W), dtype=np.uint64)
        factor, shift = self.perturbation(Site("weights", layer), keys, W.shape[1])
        return factor * W + shift, factor

    def on_hidden(self, z, layer):
        """Give what the next layer sees, and its derivative by what comes before all noise."""
        value, slope = ACTIVATIONS[self.model.network.activation]
        factor, shift = self.perturbation(Site("hidden", layer), self.row_keys, z.shape[1])
        a = value(factor * z + shift)
        slope = slope(a) * factor
        factor, shift = self.perturbation(Site("activation", layer), self.row_keys, z.shape[1])
        kept = self.dropout(layer, z.shape[1])
        return (factor * a + shift) * kept, slope * factor * kept

    def on_target(self, y):
        site, network = Site("target"), self.model.network
        level = self.level(site) * self.scheduled
        if not level:
            return y
        if network.loss == "categorical_crossentropy":
            chosen, which = self.fractions(site, 2).T
            return np.where(chosen < level, (which * network.sizes[-1]).astype(int), y)
        y = y.reshape(len(y), -1)
        n_outputs = y.shape[1]
        if network.loss == "binary_crossentropy":
            draws = self.fractions(site, 2 * n_outputs)
            return np.where(draws[:, :n_outputs] < level, draws[:, n_outputs:] < 0.5, y)
        distribution = self.model.noise.distribution
        return y + level * self.noise(distribution, site, self.row_keys, n_outputs)

    def on_gradient(self, gradients):
        level = self.level(Site("gradient")) / (1 + self.number) ** 0.275
        noisy = []
        for i, g in enumerate(gradients):
            # The bias has the number of a row that no kernel has.
            keys = [0xFFFFFFFF] if g.ndim == 1 else range(len(g))
            keys, site = np.array(keys, dtype=np.uint64), Site("gradient", i // 2 + 1)
            z = self.noise("gaussian", site, keys, g.shape[-1])
            noisy.append(g + level * z.reshape(g.shape))
        return noisy


def passed(weights, X, step):
    """Give input, kernel and their derivatives for each layer, and the outputs."""
    a, slope, layers = step.on_input(X), None, []
    n_layers = len(weights) // 2
    for layer in range(1, n_layers + 1):
        W, b = weights[2 * layer - 2 : 2 * layer]
        kernel, factor = step.on_kernel(W, layer)
        layers.append((a, slope, kernel, factor))
        out = a @ kernel + b
        if layer < n_layers:
            a, slope = step.on_hidden(out, layer)
    return layers, out


def outputs(model, weights, X):
    """Give the outputs before their activation, without noise."""
    quiet = replace(model, noise=Noise({}))
    return passed(weights, X, Step(quiet, np.zeros(0), 0, 1.0))[1]


def gradients(weights, X, y, weight, step):
    """Give the weighted losses and the gradients of the objective by backpropagation."""
    layers, out = passed(weights, X, step)
    losses, error = loss_and_error(out, step.on_target(y), step.model.network.loss)
    error = error * weight[:, None] / len(X)
    grads = []
    for (a, slope, kernel, factor), W in zip(layers[::-1], weights[-2::-2], strict=True):
        grads[:0] = [a.T @ error * factor + step.model.penalty * W, error.sum(axis=0)]
        if slope is not None:
            error = (error @ kernel.T) * slope
    return losses * weight, step.on_gradient(grads)


def constrain(weights, max_norm):
    """Shorten the incoming weights of each unit to the greatest norm."""
    for i in range(0, len(weights), 2):
        norm = np.linalg.norm(weights[i], axis=0)
        weights[i] = weights[i] / np.maximum(norm / max_norm, 1)


def train(task, update):
    """Train a task; give its weights and the history of its loss."""
    model, data = task.model, task.data
    weights = [w.astype(float) for w in model.state.weights]
    memory, history, n_steps = {}, [], 0
    for epoch in range(task.epochs):
        order = np.arange(len(data))
        if task.shuffle and task.n_batches > 1:
            order = shuffled(model.key, data.keys, epoch)
        scheduled = 1.0 if task.schedule is None else task.schedule[epoch]
        losses = []
        for j in range(task.n_batches):
            rows = order[j * task.batch_size : (j + 1) * task.batch_size]
            loss, grads = gradients(
                weights,
                data.X[rows].astype(float),
                data.y[rows],
                data.weight[rows],
                Step(model, data.keys[rows], n_steps, scheduled),
            )
            n_steps += 1
            update(weights, grads, memory, n_steps, model.learning_rate)
            constrain(weights, model.max_norm)
            losses.append(loss)
        history.append(np.concatenate(losses).mean())
    return weights, np.array(history)
