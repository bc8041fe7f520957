"""Conversion to ONNX, by skl2onnx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sknoise.estimators import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise.selection import NoisyMLPClassifierCV, NoisyMLPRegressorCV


def register_onnx() -> None:
    """Teach skl2onnx to convert the estimators, alone and in pipelines.

    Needs skl2onnx (``pip install 'sknoise[onnx]'``). The converted model computes in float32, and
    its outputs are those of skl2onnx's own converters of scikit-learn's perceptrons: labels of
    shape (n_samples,) and probabilities of shape (n_samples, n_classes), with the options
    ``zipmap``, ``output_class_labels`` and ``nocl``; or targets of shape (n_samples, n_outputs).
    Converting raises a ``ValueError`` where labels are neither strings nor integers of 64 bits,
    and of an estimator that chooses if it has ``ensemble=True``.
    Without this function it raises "Unable to find a shape calculator for type".

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    register_keras : The same for Keras, which loads the models that ``model_.save`` saves.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sknoise import NoisyMLPClassifier, register_onnx
    >>> X, y = make_circles(n_samples=60, noise=0.1, factor=0.5, random_state=1)
    >>> clf = NoisyMLPClassifier(20, epochs=5, random_state=0).fit(X, y)
    >>> register_onnx()
    >>> from skl2onnx import to_onnx
    >>> to_onnx(clf, X[:1].astype("float32"), options={"zipmap": False}).graph.output[1].name
    'probabilities'
    """
    from skl2onnx import update_registered_converter

    for classifier in (NoisyMLPClassifier, NoisyMLPClassifierCV):
        update_registered_converter(
            classifier,
            f"Sknoise{classifier.__name__}",
            _set_classifier_types,
            _convert_classifier,
            options={
                "zipmap": [True, False, "columns"],
                "output_class_labels": [False, True],
                "nocl": [True, False],
            },
        )
    for regressor in (NoisyMLPRegressor, NoisyMLPRegressorCV):
        update_registered_converter(
            regressor, f"Sknoise{regressor.__name__}", _set_regressor_types, _convert_regressor
        )


class _Graph:
    """Adds nodes and constants to the graph of one estimator.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
    container : skl2onnx.common._container.ModelComponentContainer
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope = scope
        self._container = container

    def __call__(self, op: str, *inputs: str, into: str | None = None, **attributes: Any) -> str:
        """Add a node; give the name of its output."""
        out = into or self._scope.get_unique_variable_name(op.lower())
        name = self._scope.get_unique_operator_name(op)
        self._container.add_node(op, list(inputs), out, name=name, **attributes)
        return out

    def constant(self, value: Any) -> str:
        """Add an array of floats, integers or strings; give its name."""
        from onnx import TensorProto

        a = np.asarray(value)
        kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "U": TensorProto.STRING}
        content = [s.encode() for s in a.ravel().tolist()] if a.dtype.kind == "U" else a.ravel()
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kinds[a.dtype.kind], list(a.shape), content)
        return name


def _silu(g: _Graph, x: str) -> str:
    return g("Mul", x, g("Sigmoid", x))


def _hard_sigmoid(g: _Graph, x: str) -> str:
    return g("HardSigmoid", x, alpha=1 / 6, beta=0.5)


def _hard_silu(g: _Graph, x: str) -> str:
    return g("Mul", x, _hard_sigmoid(g, x))


def _gelu(g: _Graph, x: str) -> str:
    twice_cdf = g("Add", g("Erf", g("Mul", x, g.constant(0.5**0.5))), g.constant(1.0))
    return g("Mul", g("Mul", x, g.constant(0.5)), twice_cdf)


# Keras's element-wise activations by Keras's names, as those of prediction in NumPy are.
ACTIVATIONS: dict[str, Callable[[_Graph, str], str]] = {
    "elu": lambda g, x: g("Elu", x),
    "exponential": lambda g, x: g("Exp", x),
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "leaky_relu": lambda g, x: g("LeakyRelu", x, alpha=0.2),
    "linear": lambda g, x: x,
    "mish": lambda g, x: g("Mul", x, g("Tanh", g("Softplus", x))),
    "relu": lambda g, x: g("Relu", x),
    "relu6": lambda g, x: g("Min", g("Relu", x), g.constant(6.0)),
    "selu": lambda g, x: g("Selu", x, alpha=1.6732632423543772, gamma=1.0507009873554805),
    "sigmoid": lambda g, x: g("Sigmoid", x),
    "silu": _silu,
    "softplus": lambda g, x: g("Softplus", x),
    "softsign": lambda g, x: g("Softsign", x),
    "swish": _silu,
    "tanh": lambda g, x: g("Tanh", x),
}


def _network(operator: Any) -> Any:
    """Give the one network that there is to convert."""
    estimator = operator.raw_operator
    if not isinstance(estimator, NoisyMLPClassifierCV | NoisyMLPRegressorCV):
        return estimator
    if not hasattr(estimator, "estimator_"):
        raise ValueError(
            f"{type(estimator).__name__} with ensemble=True has several networks, and only one "
            "can be converted to ONNX: fit it with ensemble=False."
        )
    return estimator.estimator_


def _logits(g: _Graph, operator: Any) -> str:
    """Add the layers, up to the output's activation."""
    from onnx import TensorProto

    estimator = _network(operator)
    act = ACTIVATIONS[estimator._fitted.network.activation]
    x = g("Cast", operator.inputs[0].full_name, to=TensorProto.FLOAT)
    *hidden, last = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    for W, b in hidden:
        x = act(g, g("Add", g("MatMul", x, g.constant(W)), g.constant(b)))
    W, b = last
    return g("Add", g("MatMul", x, g.constant(W)), g.constant(b))


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    from onnx import TensorProto

    g = _Graph(scope, container)
    clf = _network(operator)
    z = _logits(g, operator)
    label, p = (out.full_name for out in operator.outputs)
    if clf._multilabel:
        g("Sigmoid", z, into=p)
        g("Cast", g("Greater", p, g.constant(0.5)), into=label, to=TensorProto.INT64)
        return
    if clf._fitted.network.output == "sigmoid":
        g("Sigmoid", g("Concat", g("Neg", z), z, axis=1), into=p)
    else:
        g("Softmax", z, into=p, axis=1)
    g("Gather", g.constant(_labels(clf)), g("ArgMax", p, axis=1, keepdims=0), into=label, axis=0)


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    g = _Graph(scope, container)
    out = operator.outputs[0].full_name
    ends = {"exponential": "Exp", "linear": "Identity"}
    g(ends[_network(operator)._fitted.network.output], _logits(g, operator), into=out)


def _labels(clf: NoisyMLPClassifier) -> np.ndarray:
    """Give the labels as skl2onnx does: strings, or integers for all else."""
    if clf.classes_.dtype.kind in "OU":
        return clf.classes_.astype(str)
    numbers = clf.classes_.astype(np.int64)
    if (numbers != clf.classes_).any():
        raise ValueError(
            f"ONNX labels are strings or 64-bit integers, which classes_={clf.classes_} are not. "
            "Train on other labels, such as strings."
        )
    return numbers


def _set_classifier_types(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    clf = operator.raw_operator
    n_rows = operator.inputs[0].get_first_dimension()
    n_classes = len(clf.classes_)
    kind = StringTensorType if _labels(clf).dtype.kind == "U" else Int64TensorType
    label, p = operator.outputs
    label.set_type(kind([n_rows, n_classes] if clf._multilabel else [n_rows]))
    p.set_type(FloatTensorType([n_rows, n_classes]))


def _set_regressor_types(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType

    n_rows = operator.inputs[0].get_first_dimension()
    n_outputs = operator.raw_operator.n_outputs_
    operator.outputs[0].set_type(FloatTensorType([n_rows, n_outputs]))
