"""Rule flow_figure."""

import _here  # noqa: F401

from residua.figures.flow import flow_figure
from residua.publishing.publish import read_json

job = snakemake
flow_figure(read_json(job.input[0]), (job.output.pdf, job.output.png, job.output.txt))
