"""What a study will take before anything runs: jobs, hours of processors and cards, memory and disk."""
