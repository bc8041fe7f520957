"""What scikit-learn's perceptrons call the results of a fit, for code that comes from them."""

from __future__ import annotations

import numpy as np

from sknoise.training._types import Model


class NamesMixin:
    """Attributes of ``MLPClassifier`` and ``MLPRegressor`` that mean the same here."""

    history_: dict[str, np.ndarray]
    _fitted: Model

    def _check_fitted(self) -> None:
        raise NotImplementedError

    @property
    def loss_(self) -> float:
        """The last figure of ``loss_curve_``.

        Returns
        -------
        float
            With the noise on, and without the penalty.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        return self.loss_curve_[-1]

    @property
    def best_loss_(self) -> float:
        """The smallest figure of ``loss_curve_``.

        Returns
        -------
        float
            With the noise on, and without the penalty.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        return min(self.loss_curve_)

    @property
    def loss_curve_(self) -> list[float]:
        """The loss of each epoch, as in ``history_``.

        Returns
        -------
        list of float
            With the noise on, and without the penalty.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        self._check_fitted()
        return self.history_["loss"].tolist()

    @property
    def n_layers_(self) -> int:
        """The number of layers, the input and the output included.

        Returns
        -------
        int
            One more than there are kernels.

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        self._check_fitted()
        return len(self._fitted.network.sizes)

    @property
    def out_activation_(self) -> str:
        """The activation of the output, by Keras's name.

        Returns
        -------
        str
            "sigmoid", "softmax", "linear" or "exponential".

        Raises
        ------
        NotFittedError
            If neither ``fit`` nor ``partial_fit`` has been called.
        """
        self._check_fitted()
        return self._fitted.network.output
