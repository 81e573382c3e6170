"""Name and choose files, patients and tables for the rules of the workflow. Knows nothing of Snakemake."""
