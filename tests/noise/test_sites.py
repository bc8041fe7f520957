"""Sites: their numbers key the draws, and so must be distinct and never change."""

from itertools import product

from sknoise.noise._sites import KINDS, MAX_LAYER, MAX_WIDTH, Site


def test_numbers_are_distinct_and_fit():
    numbers = {Site(*place).number for place in product(KINDS, range(MAX_LAYER + 1))}
    assert len(numbers) == len(KINDS) * (MAX_LAYER + 1)
    # Twelve bits, of which the last kind is that of the draws that shuffle.
    assert min(numbers) >= 0
    assert max(numbers) < 0xF00


def test_the_bounds_fill_the_words_of_a_counter():
    # Of the 32 bits of a counter's last word, twelve are the site's; a block has four units.
    assert MAX_WIDTH == 4 * 2 ** (32 - 12)
    # And eight of these twelve the layer's.
    assert MAX_LAYER == 2**8 - 1


def test_numbers_stay_what_they_are():
    # Otherwise what was trained with the same random_state would change.
    assert [Site(kind).number for kind in KINDS] == [256 * i for i in range(len(KINDS))]
    assert KINDS[:7] == (
        "input",
        "hidden",
        "activation",
        "dropout",
        "weights",
        "gradient",
        "target",
    )
    assert Site("hidden", 2).number == 0x102
