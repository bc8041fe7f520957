"""Training stacks of networks; knows nothing of scikit-learn and scikeras."""
