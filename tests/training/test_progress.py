"""Progress bars: how much they write, to a file and into a notebook."""

import io
import re
import sys
from types import SimpleNamespace

import pytest

from sknoise.training import _progress
from sknoise.training._progress import Bar, progress_bar


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


def test_the_line_has_epochs_bar_time_and_figures_of_four_digits(capsys):
    with progress_bar(4) as report:
        report(3, {"loss": 1 / 3, "val_loss": 123456.0})
    before, bar, rest = re.split("(━+)", capsys.readouterr().out, maxsplit=1)
    assert before.strip() == "3/4 epochs"
    assert len(bar) == 20
    assert re.match(r" 0:00:0\d loss: 0.3333, val_loss: 1.235e\+05 *\n$", rest)


def test_a_file_has_room_for_all_figures(capsys):
    figures = {name: 0.12345678 for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    with progress_bar(5000) as report:
        report(5000, figures)
    assert "accuracy: 0.1235, val_loss: 0.1235, val_accuracy: 0.1235" in capsys.readouterr().out


def test_a_bar_may_go_to_stderr(capsys):
    bar = Bar(stderr=True)
    bar.show(1, 1, "one", "two")
    bar.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("one ")
    assert "two" in err


def test_pictures_of_a_bar_are_a_tenth_of_a_second_apart(monkeypatch):
    clock = iter([10.0, 10.0, 10.05, 10.15, 10.15, 10.2, 10.26, 10.26])
    monkeypatch.setattr(_progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    bar, pictures = Bar(), []
    monkeypatch.setattr(bar, "_draw", lambda: pictures.append(None))
    counts = []
    for i in range(5):
        bar.show(i, 5, "", "")
        counts.append(len(pictures))
    assert counts == [1, 1, 2, 2, 3]


def test_what_is_done_shows_the_time_that_it_took(capsys):
    bar = Bar()
    bar.show(3, 10, "", "")
    bar._rich.tasks[0].start_time -= 65
    bar.close()
    assert re.search(r"0:01:0\d", capsys.readouterr().out)


def test_the_end_of_what_stopped_early_shows_too(capsys):
    report_all(2000, until=7)
    assert "7/2000 epochs" in capsys.readouterr().out
    with pytest.raises(KeyboardInterrupt), progress_bar(10) as report:
        report(3, {})
        raise KeyboardInterrupt
    out = capsys.readouterr().out
    assert "3/10 epochs" in out
    assert out.count("\n") == 1


class Terminal(io.StringIO):
    """Fifty columns wide."""

    def __init__(self, monkeypatch, name):
        super().__init__()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "50")
        monkeypatch.setattr(sys, name, self)

    def isatty(self):
        return True

    def fits(self):
        text = re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", self.getvalue())
        return max(map(len, re.split(r"[\r\n]", text))) <= 50


def test_a_bar_on_stderr_has_the_width_of_that(monkeypatch, capsys):
    err = Terminal(monkeypatch, "stderr")
    bar = Bar(stderr=True)
    bar.show(1, 1, "one", "two " * 20)
    bar.close()
    assert capsys.readouterr().out == ""
    assert "two" in err.getvalue()
    assert err.fits()


def test_a_terminal_gets_a_line_that_is_redrawn(monkeypatch):
    out = Terminal(monkeypatch, "stdout")
    monkeypatch.setattr(_progress, "_INTERVAL", 0)
    report_all(5)
    assert "1/5 epochs" in out.getvalue()
    assert "5/5 epochs" in out.getvalue()
    assert out.fits()
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
