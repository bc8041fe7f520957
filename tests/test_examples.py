"""What the examples do beside their subject."""

import io
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "n_returns", "n_lines"), [(io.StringIO, 0, 1), (Terminal, 3, 1)]
)
def test_a_progress_bar_is_redrawn_in_a_terminal_only(stream, n_returns, n_lines, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    bar = runpy.run_path(str(EXAMPLES / "plot_noise_on_circles.py"))["progress_bar"]
    monkeypatch.setattr(sys, "__stderr__", written := stream())
    step = bar("Fits", 3)
    for _ in range(3):
        step()
    text = written.getvalue()
    assert (text.count("\r"), text.count("\n")) == (n_returns, n_lines)
    assert text.endswith("3/3\n")
