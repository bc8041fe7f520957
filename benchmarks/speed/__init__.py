"""How fast it is, beside others and in stacks."""
