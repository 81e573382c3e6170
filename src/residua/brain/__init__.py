"""Brain masks of the reference sequence: one module a method."""
