"""Pages of the study's results patient by patient: one for each hospital, and one of the worst cases with pictures."""
