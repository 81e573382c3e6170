"""Brain masks of the reference sequence: one module per method."""
