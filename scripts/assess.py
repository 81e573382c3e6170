"""Rule assess."""

import _here  # noqa: F401

from residua.faults import records_of
from residua.publish import stage
from residua.quality.assess import assess

job = snakemake
brains = records_of(job.input.brain)
with stage(job.output[0]) as part:
    for case in job.params.cases:
        assess(case, brains[case["patient"]], part)
