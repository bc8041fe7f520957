"""Whether it holds under load."""
