"""Where jobs run: the SLURM cluster, processes, memory, and a stand-in for conda."""
