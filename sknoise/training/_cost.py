"""What a stack costs, in seconds and bytes: the estimates that plans go by."""

from __future__ import annotations

from itertools import pairwise

from sknoise.training._spec import VALIDATION_BLOCK, Spec

# Seconds, fitted to timings of stacks of many shapes by benchmarks/speed/stacks.py, which prints
# them anew. Plans need their ratios only, and those hardly differ between machines; that they
# are constants makes plans, and with them results, repeatable.
COMPILE = 0.3  # It takes thrice that, but once only: the next search finds the program.
_STEP = 5e-6  # A step of a stack, however small.
_NETWORK = 1.2e-6  # A network in it.
_DRAW = 1.8e-9  # A draw of the noise.
_MULTIPLY_ADD = 0.022e-9  # One of the forward pass, with its share of the backward pass.
_UNIT = 0.28e-9  # A unit's output for one row.
_WEIGHT = 1.3e-9  # The update of a weight.


def step_seconds(spec: Spec) -> float:
    """Estimate what one step of a whole stack takes.

    Parameters
    ----------
    spec : Spec

    Returns
    -------
    float
        Seconds.
    """
    sizes = spec.network.sizes
    rows = spec.batch_size
    products = rows * sum(a * b for a, b in pairwise(sizes))
    units = rows * sum(sizes)
    weights = spec.network.n_weights
    network = _NETWORK + _MULTIPLY_ADD * products + _UNIT * units + _WEIGHT * weights
    return _STEP + _DRAW * spec.n_sources * spec.n_draws + spec.n_networks * network


def stack_bytes(spec: Spec) -> int:
    """Estimate what a stack takes in memory while it trains.

    Parameters
    ----------
    spec : Spec

    Returns
    -------
    int
        Bytes.
    """
    sizes = spec.network.sizes
    # A weight with its gradient and two figures of the optimizer, before and after a step.
    weights = 8 * spec.network.n_weights
    # Noise, sum, activation and gradient of each unit; validation has no noise and no gradient.
    validation = min(spec.n_validation_rows, VALIDATION_BLOCK)
    units = max(4 * spec.batch_size, 2 * validation) * sum(sizes)
    # Features, label, weight and the two words of the key.
    rows = (spec.n_rows + spec.n_validation_rows) * (sizes[0] + 4)
    return 4 * (spec.n_networks * (weights + units) + spec.n_sources * (spec.n_draws + rows))
