"""The cohort: its tables, its split, its checks, and its patients."""
