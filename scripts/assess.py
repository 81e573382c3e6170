"""Rule assess."""

from _here import job

from residua.publishing.publish import stage, verified
from residua.quality.assess import assess

brains = verified(job.input.brain)
with stage(job.output[0]) as part:
    for case in job.params.cases:
        assess(case, brains[f"{case['patient']}.json"], part)
