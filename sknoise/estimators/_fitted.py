"""What a fitted estimator has: its weights, which alone count, and Keras models made of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from sknoise.engines import made_of, wrapped
from sknoise.estimators._names import NamesMixin
from sknoise.estimators._prediction import check_prediction, logits
from sknoise.tasks import check_collected, named_overflow
from sknoise.training._types import Model

if TYPE_CHECKING:
    import keras

    from sknoise.keras._wrapper import NoisyKerasClassifier, NoisyKerasRegressor

    Wrapper = NoisyKerasClassifier | NoisyKerasRegressor


class FittedMixin(NamesMixin):
    """What ``coefs_`` and ``intercepts_`` make of a fitted estimator.

    They are the one truth about its weights: predictions, what is saved, training that goes on,
    and Keras models are made of what they have at the time.
    """

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    # As training left it; other weights may have been set since.
    _fitted: Model
    # What Keras and scikeras have of it, and a digest of the weights that it was made of.
    _made: tuple[bytes, keras.Sequential, Wrapper | None] | None

    def _example_targets(self) -> np.ndarray:
        """Give targets that tell scikeras what there is to predict."""
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def _check_fitted(self) -> None:
        if hasattr(self, "coefs_") and not hasattr(self, "_fitted"):
            raise NotFittedError(
                f"This {type(self).__name__} has coefs_, but has not been fitted: the network, "
                "features, targets and optimizer that they go with are missing. Call fit or "
                "partial_fit first, for one epoch say, and set coefs_ and intercepts_ then."
            )
        check_is_fitted(self)

    def _goes_on(self) -> bool:
        """Say whether there is something that training can go on from."""
        if hasattr(self, "coefs_"):
            self._check_fitted()
        return hasattr(self, "_fitted")

    def _weights(self) -> list[np.ndarray]:
        """Give the weights, in Keras's order."""
        shapes = self._fitted.network.weight_shapes
        for name, expected in (("coefs_", shapes[::2]), ("intercepts_", shapes[1::2])):
            found = [np.shape(a) for a in getattr(self, name)]
            if found != expected:
                raise ValueError(f"{name} has the shapes {found}, but the network has {expected}.")
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return [np.asarray(a) for pair in pairs for a in pair]

    def _logits(self, X: Any) -> np.ndarray:
        """Check data and pass it through the network, without noise."""
        self._check_fitted()
        check_collected(X=X)
        with named_overflow("X"):
            X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self._logits_of(X)

    def _logits_of(self, X: np.ndarray) -> np.ndarray:
        """Pass checked data, in float64 or float32, through the network, without noise."""
        weights = self._weights()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            z = logits(X, weights[::2], weights[1::2], self._fitted.network.activation)
            return check_prediction(z)

    def _keep(self, wrapper: Wrapper | None) -> None:
        """Keep a scikeras wrapper, and its model, until other weights are set."""
        self._made = None
        if wrapper is not None:
            self._made = (_digest(self._weights()), wrapper.model_, wrapper)

    def _model(self) -> Model:
        """Give the network with the weights of now."""
        return replace(self._fitted, state=replace(self._fitted.state, weights=self._weights()))

    def _keras_model(self) -> keras.Sequential:
        """Give the Keras model of the weights, made where there is none."""
        self._check_fitted()
        digest = _digest(self._weights())
        if self._made is None or self._made[0] != digest:
            with np.errstate(under="ignore"):
                self._made = (digest, made_of(self._model()), None)
        return self._made[1]

    def _keras_wrapper(self) -> Wrapper:
        """Give the scikeras wrapper of the Keras model, made where there is none."""
        keras_model = self._keras_model()
        assert self._made is not None
        digest, _, wrapper = self._made
        if wrapper is None:
            with np.errstate(under="ignore"):
                wrapper = wrapped(self._model(), keras_model, self._example_targets())
            self._made = (digest, keras_model, wrapper)
        return wrapper

    @property
    def model_(self) -> keras.Sequential:
        """A plain Keras model with the trained weights, built when first asked for.

        What is trained or set in it stays there; ``coefs_`` and ``intercepts_`` take it over by
        ``coefs_ = model_.get_weights()[::2]`` and ``intercepts_ = model_.get_weights()[1::2]``.

        Returns
        -------
        keras.Sequential
            Compiled; the noise is in layers that act in training only. The same at each
            access, until the next fit, or until other weights are set in ``coefs_`` or
            ``intercepts_``.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        ValueError
            If arrays of other shapes were set in ``coefs_`` or ``intercepts_``, or Keras does
            not know the optimizer.
        RuntimeError
            If this process was forked from one that had trained before; or if TensorFlow is
            without eager execution.
        """
        return self._keras_model()


def _digest(arrays: list[np.ndarray]) -> bytes:
    content = hashlib.blake2b(repr([a.dtype for a in arrays]).encode())
    for a in arrays:
        content.update(np.ascontiguousarray(a).data)
    return content.digest()
