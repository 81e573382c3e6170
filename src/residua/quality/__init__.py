"""Quality control of the preprocessing: numbers and pictures of every patient, and flags of unusual values."""
