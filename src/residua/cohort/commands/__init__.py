"""The commands `residua init`, `residua check` and `residua folds`, and the checks at every start of a study."""
