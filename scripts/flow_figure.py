"""Rule flow_figure."""

from _here import job

from residua.figures.flow import flow_figure
from residua.publishing.publish import read_json

flow_figure(read_json(job.input[0]), (job.output.pdf, job.output.png, job.output.txt))
