"""Rule measure_before."""

from _here import job

from residua.publishing.publish import write_json
from residua.resection.before import volumes_before

write_json(job.output[0], volumes_before(dict(zip(job.params.patients, job.input, strict=True))))
