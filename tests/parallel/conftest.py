"""What the tests of stacks share."""

import pytest

from sknoise.parallel import _scheduler
from tests.waiting import LONG


@pytest.fixture(scope="package", autouse=True)
def no_help_from_the_clock():
    """Let a slow machine make no other waves: what waits is not trained because time passes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_scheduler, "PATIENCE", LONG)
        yield
