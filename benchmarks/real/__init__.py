"""The yardstick: real data sets, at defaults, beside the usual peers."""
