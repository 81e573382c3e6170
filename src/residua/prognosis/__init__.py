"""Survival by what surgery left, by the reference and by the networks."""
