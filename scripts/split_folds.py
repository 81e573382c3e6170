"""Rules split_folds (the patients who take part) and plan_folds (all who were placed)."""

from _here import job

from residua.cohort.split.split import Split
from residua.publishing.left_out import reasons_in
from residua.publishing.publish import write_json

split, failed = job.params.split, reasons_in(job.input.get("left_out", []))
write_json(job.output[0], Split.from_json(split).without(failed).to_json() if failed else split)
