"""One progress bar over all the fits of a search."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sknoise.training._progress import Bar


class SearchProgress:
    """Counts fits and their epochs, and shows them where somebody asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._bar: Bar | None = None
        self._n_fits = self._n_done = self._epochs = self._epochs_done = 0

    def add(self, epochs: int, shown: bool) -> None:
        """Count a fit that is to be trained; show the bar from now on if asked to."""
        with self._lock:
            self._n_fits += 1
            self._epochs += epochs
            if shown and self._bar is None:
                from sknoise.training._progress import Bar

                self._bar = Bar(stderr=True)

    def advance(self, epochs: int, n_to_come: int) -> None:
        """Count epochs done; n_to_come jobs have not started, and are taken for a fit each."""
        with self._lock:
            self._epochs_done += epochs
            self._show(n_to_come)

    def finish(self, n_fits: int, n_to_come: int) -> None:
        """Count fits done."""
        with self._lock:
            self._n_done += n_fits
            self._show(n_to_come)

    def close(self) -> None:
        """End the bar, and count anew."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
            self._clear()

    def _show(self, n_to_come: int) -> None:
        if self._bar is None:
            return
        n_fits = self._n_fits + n_to_come
        epochs = round(self._epochs * n_fits / self._n_fits)
        self._bar.show(
            self._epochs_done,
            epochs,
            f"{self._n_done}/{n_fits} fits",
            f"{self._epochs_done:,}/{epochs:,} epochs",
        )
