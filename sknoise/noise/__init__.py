"""Counter-based Gaussian noise: every draw is a pure function of what it is for."""
