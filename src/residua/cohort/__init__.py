"""The cohort: its tables, its split, its checks, and the patients who take part."""
