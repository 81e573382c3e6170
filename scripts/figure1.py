"""Rule figure1."""

import _here  # noqa: F401

from residua.figures.figure1 import figure1

job = snakemake
out = (job.output.pdf, job.output.png, job.output.txt)
figure1(job.params.examples, job.params.columns, job.params.outlined, out)
