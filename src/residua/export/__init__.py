"""Models and prepared cohorts in the forms of other programs."""
