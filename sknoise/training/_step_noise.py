"""The noise of one training step: drawn for all networks of a stack, and applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from sknoise.noise._philox import draw
from sknoise.noise._sites import Site
from sknoise.training._backends import backend
from sknoise.training._inputs import Inputs
from sknoise.training._spec import Spec

# How the standard deviation of gradient noise falls with the step (Neelakantan et al. 2015).
_GRADIENT_DECAY = 0.55 / 2
# Stands for the bias among the rows of a layer's gradient.
_BIAS_ROW = 0xFFFFFFFF


class StepNoise:
    """The noise of a step.

    Parameters
    ----------
    spec : Spec
    inputs : Inputs
    row_keys : tensor of shape (n_sources, n_rows, 2), dtype uint32
        Keys of the rows of the step.
    step : scalar tensor, dtype int32
        Number of the step in the networks' lives.
    factor : tensor of shape (n_networks,), or None
        What the schedule multiplies the levels by.
    """

    def __init__(self, spec: Spec, inputs: Inputs, row_keys: Any, step: Any, factor: Any) -> None:
        self._spec = spec
        self._inputs = inputs
        self._step = ops.cast(step, "uint32")
        self._factor = factor
        self._of_rows = self._drawn_for_rows(row_keys)

    def on_units(self, out: Any, site: Site) -> Any:
        """Add noise to the units of a layer, or multiply by it.

        Parameters
        ----------
        out : tensor of shape (n_networks, n_rows, n_units)
        site : Site

        Returns
        -------
        tensor of the same shape
        """
        if site not in self._of_rows:
            return out
        if site.kind == "dropout":
            level = self._level(site, scheduled=False)
            kept = self._of_rows[site] >= level
            return ops.where(kept, out / (1 - level), 0.0)
        noise = self._level(site) * self._of_rows[site]
        if site.kind == "input" and self._inputs.feature_scale is not None:
            noise = noise * self._inputs.feature_scale[:, None, :]
        return self._perturbed(out, noise)

    def on_kernel(self, kernel: Any, layer: int) -> Any:
        """Add noise to a kernel, one draw for the whole step, or multiply by it.

        Parameters
        ----------
        kernel : tensor of shape (n_networks, n_inputs, n_units)
        layer : int
            Number of the layer, from 1.

        Returns
        -------
        tensor of the same shape
        """
        site = Site("weights", layer)
        if site not in self._spec.sites:
            return kernel
        draws = self._drawn_for_kernel(site, np.arange(kernel.shape[1]), kernel.shape[2])
        return self._perturbed(kernel, self._level(site) * draws)

    def on_gradient(self, gradient: list[Any]) -> list[Any]:
        """Add noise, which gets less with every step, to a gradient.

        Parameters
        ----------
        gradient : list of tensor
            Of kernel (n_networks, n_inputs, n_units) and bias (n_networks, 1, n_units) of
            each layer.

        Returns
        -------
        list of tensor
        """
        site = Site("gradient")
        if site not in self._spec.sites:
            return gradient
        decay = (1 + ops.cast(self._step, "float32")) ** -_GRADIENT_DECAY
        level = self._level(site, scheduled=False) * decay
        noisy = []
        pairs = zip(gradient[::2], gradient[1::2], strict=True)
        for layer, (kernel, bias) in enumerate(pairs, start=1):
            rows = np.append(np.arange(kernel.shape[1]), _BIAS_ROW)
            draws = self._drawn_for_kernel(Site("gradient", layer), rows, kernel.shape[2])
            noise = level * draws
            weights, biases = noise[:, :-1], noise[:, -1:]
            inputs, units = self._real_units(layer - 1), self._real_units(layer)
            if inputs is not None:
                weights = weights * inputs[:, :, None]
            if units is not None:
                weights, biases = weights * units[:, None, :], biases * units[:, None, :]
            noisy += [kernel + weights, bias + biases]
        return noisy

    def on_target(self, y: Any) -> Any:
        """Draw some labels anew, or add noise to targets that are numbers.

        Parameters
        ----------
        y : tensor of shape (n_networks, n_rows) or (n_networks, n_rows, n_outputs)

        Returns
        -------
        tensor of the same shape
        """
        site = Site("target")
        if site not in self._of_rows:
            return y
        draws, level = self._of_rows[site], self._level(site)
        if self._spec.network.output == "softmax":
            other = ops.floor(draws[..., 1] * self._spec.network.sizes[-1])
            return ops.where(draws[..., 0] < level[..., 0], other, y)
        if self._spec.network.output == "sigmoid":
            chosen, coin = ops.split(draws, 2, axis=-1)
            return ops.where(chosen < level, ops.cast(coin < 0.5, "float32"), y)
        return y + level * draws

    def _level(self, site: Site, scheduled: bool = True) -> Any:
        """Give the level of each network, of shape (n_networks, 1, 1)."""
        level = self._inputs.noise[:, self._spec.sites.index(site)]
        if scheduled and self._factor is not None:
            level = level * self._factor
        return ops.reshape(level, (-1, 1, 1))

    def _perturbed(self, a: Any, noise: Any) -> Any:
        return a * (1 + noise) if self._spec.multiplicative else a + noise

    def _drawn_for_rows(self, row_keys: Any) -> dict[Site, Any]:
        """Draw for each row and unit."""
        sites: defaultdict[str, list[Site]] = defaultdict(list)
        labels = self._spec.network.output in ("sigmoid", "softmax")
        for site in self._spec.row_sites:
            fraction = site.kind == "dropout" or (site.kind == "target" and labels)
            sites["fraction" if fraction else self._spec.distribution].append(site)
        parts: dict[Site, Any] = {}
        for distribution, group in sites.items():
            numbered = [(site.number, self._spec.width(site)) for site in group]
            draws = self._drawn(row_keys, numbered, distribution)
            parts |= zip(group, map(self._of_networks, draws), strict=True)
        return parts

    def _drawn_for_kernel(self, site: Site, rows: np.ndarray, width: int) -> Any:
        """Draw for each weight of a kernel."""
        keys = np.stack([rows, np.zeros_like(rows)], axis=-1).astype(np.uint32)[None]
        distribution = "gaussian" if site.kind == "gradient" else self._spec.distribution
        (draws,) = self._drawn(keys, [(site.number, width)], distribution)
        return self._of_networks(draws)

    def _of_networks(self, a: Any) -> Any:
        return of_networks(self._spec, self._inputs, a)

    def _real_units(self, layer: int) -> Any | None:
        return real_units(self._spec, self._inputs, layer)

    def _drawn(self, rows: Any, sites: Sequence[tuple[int, int]], distribution: str) -> list[Any]:
        once, keys = backend().once, self._inputs.keys
        return draw(keys, rows, self._step, sites, distribution, once, self._apart)

    def _apart(self, function: Callable[[], Any], shape: tuple[int, ...], dtype: str) -> Any:
        """Compute a tensor, and keep XLA from computing it once for each use.

        XLA fuses element-wise work into each of its consumers, and so would draw the noise in
        the forward and again in the backward pass. It cannot fuse across a loop, even one of
        a single turn, so long as it does not know that it is one: hence turns, which is 1.
        """
        turns = ops.cast(self._step < np.uint32(2**32 - 1), "int32")
        start = (np.int32(0), ops.zeros(shape, dtype))
        return ops.while_loop(lambda i, _: i < turns, lambda i, _: (i + 1, function()), start)[1]


def of_networks(spec: Spec, inputs: Inputs, a: Any) -> Any:
    """Give to each network what is its source's."""
    if spec.n_sources == spec.n_networks:
        return a
    return backend().take(a, inputs.source)


def real_units(spec: Spec, inputs: Inputs, layer: int) -> Any | None:
    """Mark the units that each network has; None where all have all.

    Parameters
    ----------
    spec : Spec
    inputs : Inputs
    layer : int
        Number of the layer, 0 for the input.

    Returns
    -------
    tensor of shape (n_networks, n_units), 1 or 0, or None
    """
    if layer == len(spec.masked) or not spec.masked[layer]:
        return None
    real = inputs.units[:, layer, None] > np.arange(spec.network.sizes[layer])
    return ops.cast(real, "float32")
