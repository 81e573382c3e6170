"""Rule learning_curves_figure."""

from _here import job

from residua.figures.learning_curves import learning_curves_figure

manifests = dict(zip(map(tuple, job.params.trained), job.input.models, strict=True))
learning_curves_figure(manifests, job.params.arch_labels, (job.output.pdf, job.output.png, job.output.txt))
