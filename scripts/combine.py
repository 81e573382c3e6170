"""Rule combine."""

from _here import job

from residua.publishing.publish import stage
from residua.segmentation.combine import average, gate

maps = list(job.input.maps)
of_each = len(maps) // job.params.networks
with stage(job.output[0]) as part:
    if job.input.gate:
        gate(maps, job.input.gate[0], job.params.residual_tumor_ml, part)
    else:
        average([maps[start : start + of_each] for start in range(0, len(maps), of_each)], part)
