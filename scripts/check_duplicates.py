"""Rule check_duplicates."""

from _here import job

from residua.cohort.checks.across import check_across

params = job.params
check_across(
    job.input.checks,
    job.input.folds,
    patients=params.patients,
    excluded=params.excluded,
    on_invalid=params.on_invalid,
    kept=params.kept,
    out=job.output[0],
    before_surgery=params.before_surgery,
)
