"""Metrics: arrays in, numbers out; undefined is NaN, never zero."""
