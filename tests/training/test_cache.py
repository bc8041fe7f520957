"""The cache of programs: bounded, and emptied by one call."""

from sknoise import clear_cache
from sknoise.training import _cache
from sknoise.training._spec import spec_of
from tests.training.tasks import make_task


def test_bounded_and_least_recently_used_goes(rng, monkeypatch):
    clear_cache()
    monkeypatch.setattr(_cache, "MAX_PROGRAMS", 2)
    specs = [spec_of([make_task(rng, widths=(width,))]) for width in (3, 4, 5)]
    first, second = (_cache.program_for(spec) for spec in specs[:2])
    assert _cache.program_for(specs[0]) is first
    third = _cache.program_for(specs[2])
    assert _cache.cached_programs() == [first, third]
    assert _cache.program_for(specs[1]) is not second
    clear_cache()
    assert _cache.cached_programs() == []
