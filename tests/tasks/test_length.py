"""How long training lasts."""

import math
import sys

import numpy as np
import pytest

from sknoise.tasks._length import number_of_epochs, rows_in_a_step

ROWS = np.arange(20, 120_001)


@pytest.fixture(scope="module", params=[1000, 2000])
def lengths(request):
    """Rows in a step, and steps in all, for each number of rows."""
    usual = request.param
    pairs = []
    for n_rows in ROWS.tolist():
        size = rows_in_a_step("auto", n_rows, usual)
        n_steps = math.ceil(n_rows / size)
        pairs.append((size, n_steps * number_of_epochs("auto", n_rows, n_steps, usual)))
    return np.array(pairs).T


def test_steps_do_not_jump(lengths):
    # At every number of rows, and with every one up to a fifth more.
    steps = lengths[1]
    n = 100_001 - 20
    last = np.floor(1.2 * ROWS[:n]).astype(int) - 20
    most, least = (_over_windows(steps, last, of) for of in (np.maximum, np.minimum))
    assert (most / steps[:n]).max() <= 1.1
    assert (steps[:n] / least).max() <= 1.1


def _over_windows(values, last, of):
    """The extreme of ``values`` from each place to its last one, by a table of powers of two."""
    table = [values]
    while (width := 2 ** (len(table) - 1)) * 2 <= len(values):
        table.append(of(table[-1][:-width], table[-1][width:]))
    out = np.empty(len(last), dtype=values.dtype)
    first = np.arange(len(last))
    for level, row in enumerate(table):
        chosen = np.flatnonzero(np.floor(np.log2(last - first + 1)) == level)
        out[chosen] = of(row[first[chosen]], row[last[chosen] - 2**level + 1])
    return out


def test_a_step_has_a_sixteenth_of_the_rows(lengths):
    sizes = lengths[0]
    assert sizes.max() == 256
    middle = (ROWS >= 64) & (ROWS <= 4096)
    np.testing.assert_allclose(sizes[middle], ROWS[middle] / 16, rtol=0.125)
    assert (sizes[ROWS > 4096] > 200).all()


def test_folds_share_a_program(lengths):
    # Few sizes, so that parts whose numbers of rows differ by one mostly have the same.
    sizes = lengths[0]
    assert len(np.unique(sizes)) <= 40
    assert np.mean(sizes[1:] != sizes[:-1]) < 0.005


@pytest.mark.parametrize(("n_rows", "size"), [(1, 4), (30, 4), (100, 6), (400, 24), (10**8, 256)])
def test_automatic_batch_size(n_rows, size):
    assert rows_in_a_step("auto", n_rows, 1000) == size


def test_what_is_given_counts():
    assert rows_in_a_step(7, 100, 1000) == 7
    assert rows_in_a_step(None, 100, 1000) == sys.maxsize
    assert number_of_epochs(7, 100, 10, 1000) == 7
    # All rows in one step: as many epochs as steps.
    assert number_of_epochs("auto", 400, 1, 1000) == 1000
    assert number_of_epochs("auto", 10**8, 10**8 // 256, 1000) == 1
