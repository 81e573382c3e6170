"""Cohorts as others lay them out: each importer finds the files, one writer makes the cohort table of them."""
