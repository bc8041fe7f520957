"""The compiled programs of this process, one for each spec, the least recently used go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from sknoise.training._spec import Spec

if TYPE_CHECKING:
    from sknoise.training._program import Program

# A compiled program takes some 20 MB; this many serve a search over shapes.
MAX_PROGRAMS = 64

_programs: OrderedDict[Spec, Program] = OrderedDict()
_lock = threading.Lock()


def program_for(spec: Spec) -> Program:
    """Look the program for a spec up; build it where there is none yet.

    Parameters
    ----------
    spec : Spec
        The static facts.

    Returns
    -------
    Program
        It compiles itself when it is first called.
    """
    from sknoise.training._program import Program

    with _lock:
        program = _programs.get(spec)
        if program is None:
            program = _programs[spec] = Program(spec)
            if len(_programs) > MAX_PROGRAMS:
                _programs.popitem(last=False)
        _programs.move_to_end(spec)
        return program


def cached_programs() -> list[Program]:
    """Give the programs that are in the cache, the least recently used first."""
    with _lock:
        return list(_programs.values())


def clear_cache() -> None:
    """Forget all compiled training programs.

    The next fit compiles again. Fits that are under way go on undisturbed.

    Examples
    --------
    >>> from sknoise import clear_cache
    >>> clear_cache()
    """
    with _lock:
        _programs.clear()
