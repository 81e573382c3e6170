"""Import data in common layouts: each importer finds the files, one writer makes the cohort table."""
