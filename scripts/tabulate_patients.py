"""Rule tabulate_patients."""

from _here import job

from residua.inference.patients_table import patients_table, recorded
from residua.publishing.publish import write_text

write_text(job.output[0], patients_table([recorded(manifest) for manifest in job.input]))
