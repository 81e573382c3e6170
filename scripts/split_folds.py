"""Rule split_folds."""

from _here import job

from residua.publishing.publish import write_json

write_json(job.output[0], job.params.split)
