"""Rule check_cohort."""

from _here import job

from residua.cohort.checks.batch import check_batch

params = job.params
check_batch(
    params.patients,
    kinds=params.kinds,
    drawn_on=params.drawn_on,
    excluded=params.excluded,
    on_invalid=params.on_invalid,
    kept=params.kept,
    cache=params.cache,
    out=job.output[0],
)
