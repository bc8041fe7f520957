"""Timings and measurements; each file answers one question: python -m benchmarks.speed.peers."""
