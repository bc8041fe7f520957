"""The filter that makes deprecations of ours errors."""

import logging
import types
import warnings
from contextlib import contextmanager

import pytest

from tests.deprecations import OurDeprecation

try:
    from warnings import deprecated
except ImportError:  # Python < 3.13
    from typing_extensions import deprecated


def module(name, code, **names):
    """Make a module of the given name, whose functions have its name in their frames."""
    made = types.ModuleType(name)
    vars(made).update(names)
    exec(code, vars(made))  # noqa: S102
    return made


LIBRARY = """
def warns(category=FutureWarning, stacklevel=1):
    warnings.warn("this goes", category, stacklevel=stacklevel)

@contextmanager
def manages():
    warns()
    yield

@deprecated
def goes():
    pass

def calls_c(function):
    function("this goes", FutureWarning)

def logs():
    logger.warning("From %s: this is deprecated", "here")
"""
CALLER = """
def calls(function, *args, **options):
    function(*args, **options)

def enters(what):
    with what():
        pass
"""


@pytest.fixture
def library():
    return module(
        "lib.inner",
        LIBRARY,
        warnings=warnings,
        contextmanager=contextmanager,
        deprecated=deprecated("this goes"),
        logger=logging.getLogger("tensorflow"),
    )


@pytest.mark.parametrize(
    "category", [DeprecationWarning, PendingDeprecationWarning, FutureWarning]
)
@pytest.mark.parametrize("stacklevel", [1, 2, 3])
def test_ours_is_an_error_wherever_it_is_attributed_to(library, category, stacklevel):
    ours = module("sknoise._some", CALLER)
    with pytest.raises(category, match="this goes"):
        ours.calls(library.warns, category=category, stacklevel=stacklevel)


def test_through_decorators_and_in_the_log(library):
    ours = module("sknoise._some", CALLER)
    with pytest.raises(FutureWarning):
        ours.enters(library.manages)
    with pytest.raises(DeprecationWarning, match="this goes"):
        ours.calls(library.goes)
    with pytest.raises(DeprecationWarning, match="From here: this is deprecated"):
        ours.calls(library.logs)


def test_of_others_it_is_a_warning(library, caplog):
    other = module("other", CALLER)
    ours = module("sknoise._some", CALLER)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.filterwarnings("error", category=OurDeprecation)
        ours.calls(other.calls, library.warns)
        ours.calls(other.calls, library.goes)
        ours.calls(library.warns, category=UserWarning)
        library.warns()
        # What is written in C has no frame: the library has called it, not we.
        ours.calls(library.calls_c, warnings.warn)
        ours.calls(other.calls, library.logs)
    assert [w.category for w in seen] == [
        FutureWarning,
        DeprecationWarning,
        UserWarning,
        FutureWarning,
        FutureWarning,
    ]
    assert "this is deprecated" in caplog.text
