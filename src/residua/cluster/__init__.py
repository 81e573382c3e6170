"""Where jobs run: the SLURM cluster, memory, processors, and environments where there is no conda."""
