"""External validation: the models of bundles, measured on labelled patients of other hospitals without training."""
