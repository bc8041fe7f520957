"""Sites: the places of a network where noise can act."""

from __future__ import annotations

from typing import NamedTuple

# Their order numbers the draws: a new kind goes to the end.
KINDS = ("input", "hidden", "activation", "dropout", "weights", "gradient", "target")
# A site's number has this many bits for the layer, and four for the kind.
_LAYER_BITS = 8
MAX_LAYER = 2**_LAYER_BITS - 1
# The generator counts blocks of four units by 20 bits.
MAX_WIDTH = 4 * 2**20


class Site(NamedTuple):
    """A place where noise acts.

    Parameters
    ----------
    kind : str
        One of ``KINDS``: the input; a hidden layer before ("hidden") or after
        ("activation") its activation, or there by dropout; a layer's kernel; the gradient of
        a layer's kernel and bias; the target.
    layer : int, default=0
        Number of the layer, from 1 for the first hidden one to one more than there are
        hidden layers for the output; 0 where the kind has only one place.
    """

    kind: str
    layer: int = 0

    @property
    def number(self) -> int:
        """The number that the generator keys the site's draws by."""
        return (KINDS.index(self.kind) << _LAYER_BITS) + self.layer
