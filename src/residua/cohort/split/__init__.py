"""Which hospitals train, validate and are held out."""
