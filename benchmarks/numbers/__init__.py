"""Whether the numbers are right: the generator, the arithmetic, the bits."""
