"""Progress bars that are redrawn in place, in a terminal or a notebook."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from sknoise.training._types import Progress

# Seconds between two pictures of a bar: enough for the eye, and few for a notebook.
_INTERVAL = 0.1
# Columns where no terminal has its own width.
_WIDTH = 120


class Bar:
    """A bar between two texts. Where neither terminal nor notebook redraws it, only its end shows.

    Parameters
    ----------
    stderr : bool, default=False
        Whether it goes to stderr instead of stdout.
    """

    def __init__(self, stderr: bool = False) -> None:
        # rich's own support of notebooks needs ipywidgets, and warns at each picture without.
        console = Console(stderr=stderr, force_jupyter=False)
        if not console.is_terminal:
            console = Console(stderr=stderr, force_jupyter=False, width=_WIDTH)
        self._rich = RichProgress(
            TextColumn("{task.fields[before]}"),
            BarColumn(20),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[after]}"),
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._line = self._rich.add_task("", total=None, before="", after="")
        self._shown = -float("inf")
        self._in_notebook = Console().is_jupyter
        self._picture: Any = None
        if not self._in_notebook:
            self._rich.start()

    def show(self, done: int, total: int, before: str, after: str) -> None:
        """Set the bar, and draw it if the last picture is old enough."""
        self._rich.update(self._line, completed=done, total=total, before=before, after=after)
        if time.monotonic() - self._shown >= _INTERVAL:
            self._draw()
            self._shown = time.monotonic()

    def close(self) -> None:
        """Draw the bar a last time, and leave it."""
        task = self._rich.tasks[0]
        # What stopped early is finished too: show the time it took, not what is left.
        self._rich.update(self._line, total=task.completed)
        if self._in_notebook:
            self._draw()
        else:
            self._rich.stop()

    def _draw(self) -> None:
        if not self._in_notebook:
            self._rich.refresh()
        elif self._picture is None:
            from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

            self._picture = display(  # type: ignore[no-untyped-call,unused-ignore]
                self._rich, display_id=True
            )
        else:
            # Takes the place of the last picture: the notebook holds but one.
            self._picture.update(self._rich)


@contextmanager
def progress_bar(epochs: int) -> Iterator[Progress]:
    """Show a bar of epochs with the current figures.

    Parameters
    ----------
    epochs : int
        Number of epochs of a full bar.

    Yields
    ------
    callable
        To be told the number of epochs done, and their last figures.
    """
    bar = Bar()

    def report(done: int, figures: Mapping[str, float]) -> None:
        text = ", ".join(f"{name}: {figure:.4g}" for name, figure in figures.items())
        bar.show(done, epochs, f"{done}/{epochs} epochs", text)

    try:
        yield report
    finally:
        bar.close()
