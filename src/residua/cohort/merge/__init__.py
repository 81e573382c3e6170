"""Several cohort tables as one: paths, identifiers, hospitals and raters, and who is in twice."""
