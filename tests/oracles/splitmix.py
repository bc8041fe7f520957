"""The finaliser of SplitMix64, written anew in Python's integers: the oracle of the row keys."""


def mixed(x):
    """Steele, Lea and Flood (2014), ``mix64``, with the constants of Stafford's variant 13."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31
