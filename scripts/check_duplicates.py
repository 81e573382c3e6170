"""Rule check_duplicates."""

import _here  # noqa: F401

from residua.cohort.checks.across import check_across

job = snakemake
params = job.params
check_across(
    job.input.checks,
    job.input.folds,
    patients=params.patients,
    excluded=params.excluded,
    on_invalid=params.on_invalid,
    kept=params.kept,
    out=job.output[0],
)
