"""Propose the smallest configuration that fits a cohort table."""
