"""What `residua check` and `residua folds` do, and what every start of a study asks again."""
