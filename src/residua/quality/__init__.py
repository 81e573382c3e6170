"""Quality control of the preprocessing: numbers and pictures of every patient, and who stands out in the cohort."""
