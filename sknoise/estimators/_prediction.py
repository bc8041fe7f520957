"""Prediction from NumPy weights, so that it needs neither TensorFlow nor Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import special


def _leaky_relu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out=x)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, special.expm1(np.minimum(x, 0)))


def _selu(x: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(
        x > 0, x, 1.6732632423543772 * special.expm1(np.minimum(x, 0))
    )


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * special.ndtr(x)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * special.expit(x)


def _hard_silu(x: np.ndarray) -> np.ndarray:
    return x * np.clip(x / 6 + 0.5, 0, 1)


# Keras's element-wise activations by Keras's names; each may overwrite its argument.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "elu": _elu,
    "exponential": np.exp,
    "gelu": _gelu,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "leaky_relu": _leaky_relu,
    "linear": lambda x: x,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": _relu,
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": _selu,
    "sigmoid": special.expit,
    "silu": _silu,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "swish": _silu,
    "tanh": lambda x: np.tanh(x, out=x),
}

# Rows are passed in blocks whose widest layer takes about this many bytes, so that a layer's
# output is still in cache when the next one reads it.
_BLOCK_BYTES = 2**22


def logits(
    X: np.ndarray,
    coefs: Sequence[np.ndarray],
    intercepts: Sequence[np.ndarray],
    activation: str,
) -> np.ndarray:
    """Pass rows through a multilayer perceptron, up to the output's activation.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), dtype float64 or float32
        Rows. In double precision a row's result does not depend on the rows beside it.
    coefs, intercepts : sequence of ndarray
        Kernel and bias of each layer. Each is computed in the higher precision of its own and
        the rows': targets in their own units need a float64 output.
    activation : str
        A key of ``ACTIVATIONS``, of the hidden layers.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), dtype float64
        In double precision also where the layers are not: in single precision, probabilities
        would round to 1.
    """
    act = ACTIVATIONS[activation]
    layers = [
        [np.asarray(a, np.result_type(a, X)) for a in layer]
        for layer in zip(coefs, intercepts, strict=True)
    ]
    *hidden, (last, bias) = layers
    width = max(W.shape[1] for W, _ in layers)
    block = max(1, _BLOCK_BYTES // (width * X.itemsize))
    out = np.empty((len(X), last.shape[1]), last.dtype)
    for start in range(0, len(X), block):
        rows = X[start : start + block]
        for W, b in hidden:
            rows = rows @ W
            rows += b
            rows = act(rows)
        np.matmul(rows, last, out=out[start : start + block])
    out = out.astype(np.float64, copy=False)
    out += bias
    return out


def probabilities(z: np.ndarray, output: str) -> np.ndarray:
    """Turn logits into the probabilities of the classes.

    Parameters
    ----------
    z : ndarray of shape (n_rows, n_outputs)
        Logits; one column for two classes with ``output="sigmoid"``. May be overwritten.
    output : {"sigmoid", "softmax"}
        The output's activation.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
    """
    if output == "sigmoid":
        return special.expit(np.concatenate([-z, z], axis=1))
    # In place, as scikit-learn's perceptron: fresh memory costs more than the arithmetic.
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def log_probabilities(z: np.ndarray, output: str) -> np.ndarray:
    """Turn logits into the logarithms of the probabilities of the classes.

    Parameters
    ----------
    z : ndarray of shape (n_rows, n_outputs)
        Logits; one column for two classes with ``output="sigmoid"``.
    output : {"sigmoid", "softmax"}
        The output's activation.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
    """
    if output == "sigmoid":
        return special.log_expit(np.concatenate([-z, z], axis=1))
    return special.log_softmax(z, axis=1)


def check_prediction(values: np.ndarray) -> np.ndarray:
    """Give predictions back, if they are finite.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs)

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)

    Raises
    ------
    ValueError
        If one is not finite.
    """
    # The sum first, which is faster.
    if math.isfinite(values.sum()) or np.isfinite(values).all():
        return values
    row = int(np.argmin(np.isfinite(values).all(axis=1)))
    raise ValueError(
        f"The prediction for row {row} of X is not finite: it is too far from what the network "
        "was trained on. Scale X as in training."
    )
