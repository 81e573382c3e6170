"""New patients: the models of bundles, applied by the stages of the study."""
