"""Simulate a multicentre cohort of early post-operative glioblastoma MRI with known truth.

Blood along the resection cavity looks like residual tumour on T1w-CE and FLAIR; only T1w distinguishes them. Hence the
study compares input configurations. docs/explanation/simulator.md describes how a patient is made and the assumptions.
"""
