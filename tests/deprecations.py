"""Tells which deprecation warnings sknoise's own calls cause, wherever they are attributed to.

pytest's filter ``error:::sknoise`` sees the module that a warning is attributed to, which is ours
only where a library counts its frames right. Decorators and helpers often do not, and TensorFlow
writes to its log instead.
"""

import logging
import sys

DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
# What may stand between a library and who has called it.
BETWEEN = {"contextlib", "functools"}


def package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]


def outside(frame, packages):
    while frame is not None and package(frame) in packages:
        frame = frame.f_back
    return frame


def warns(frame):
    """Say whether a frame itself warns, not what it has called that is written in C."""
    code = frame.f_code
    return any("warn" in name for name in (*code.co_names, *code.co_freevars))


def caused_by_us(frame):
    """Say whether a frame belongs to a library that sknoise itself has called."""
    library = outside(frame, {"logging"})
    caller = outside(library, {*BETWEEN, package(library)})
    return caller is not None and package(caller) == "sknoise"


class _CausedByUs(type):
    def __subclasscheck__(cls, category):
        # Python asks this in the frame that warns.
        frame = sys._getframe(1)
        return issubclass(category, DEPRECATIONS) and warns(frame) and caused_by_us(frame)


class OurDeprecation(Warning, metaclass=_CausedByUs):
    """Category for a filter of warnings: each deprecation that a call from sknoise causes."""


def warn_of_logged_deprecation(record):
    """Filter for TensorFlow's log: turns what it says of our deprecated calls into a warning."""
    if "deprecated" in str(record.msg) and caused_by_us(sys._getframe(1)):
        raise DeprecationWarning(record.getMessage())
    return True


def watch_tensorflow():
    logging.getLogger("tensorflow").addFilter(warn_of_logged_deprecation)
