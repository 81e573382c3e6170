"""Rule check_cohort."""

import _here  # noqa: F401

from residua.cohort.checks.batch import check_batch

job = snakemake
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
