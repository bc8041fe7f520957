"""Progress bars: how much they write, to a file and into a notebook."""

import io
import sys
from types import SimpleNamespace

import pytest

from sknoise.training import _progress
from sknoise.training._progress import progress_bar


def report_all(n_epochs, until=None):
    with progress_bar(n_epochs) as report:
        for done in range(1, (until or n_epochs) + 1):
            report(done, {"loss": 1 / done, "val_accuracy": 0.5})


def test_a_file_gets_one_line(capsys):
    report_all(2000)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert len(out) < 130
    assert "\x1b" not in out
    assert "2000/2000 epochs" in out
    assert "loss: 0.0005, val_accuracy: 0.5" in out


def test_the_end_of_what_stopped_early_shows_too(capsys):
    report_all(2000, until=7)
    assert "7/2000 epochs" in capsys.readouterr().out
    with pytest.raises(KeyboardInterrupt), progress_bar(10) as report:
        report(3, {})
        raise KeyboardInterrupt
    out = capsys.readouterr().out
    assert "3/10 epochs" in out
    assert out.count("\n") == 1


def test_a_terminal_gets_a_line_that_is_redrawn(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(_progress, "_INTERVAL", 0)
    report_all(5)
    assert "1/5 epochs" in out.getvalue()
    assert "5/5 epochs" in out.getvalue()
    # The cursor is hidden while the bar is there, and shown again.
    assert out.getvalue().endswith("\x1b[?25h")


@pytest.mark.parametrize("interval", [0, 1000])
def test_a_notebook_holds_one_picture(monkeypatch, capsys, interval):
    displayed, updates = [], []

    def display(picture, display_id):
        displayed.append((picture, display_id))
        return SimpleNamespace(update=updates.append)

    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(_progress, "_INTERVAL", interval)
    report_all(300)
    (picture, display_id), *more = displayed
    assert not more
    assert display_id is True
    # The first is displayed, the others update it; the end is always shown.
    assert len(updates) == (300 if interval == 0 else 1)
    assert all(update is picture for update in updates)
    assert "300/300 epochs" in picture._repr_mimebundle_((), ())["text/html"]
    assert capsys.readouterr() == ("", "")
