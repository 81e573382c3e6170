"""Rule measure."""

import _here  # noqa: F401

from residua.publish import writing
from residua.stages import measure_all

job = snakemake
patients = [case["patient"] for case in job.params.cases]
references = dict(zip(patients, job.input.references, strict=True))
segmentations = {"validation": job.input.validation, "test": job.input.test}
rows = measure_all(segmentations, references, job.params.cases)
rows.insert(0, "arch", job.wildcards.arch)
rows.insert(1, "inputs", job.wildcards.inputs)
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
