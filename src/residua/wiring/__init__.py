"""What the rules of the workflow name and choose: files, patients, tables. Knows nothing of Snakemake."""
