"""Rule tabulate_patients."""

from pathlib import Path

from _here import job

from residua.inference.patients_table import RECORD, patients_table
from residua.publishing.publish import read_json, write_text

write_text(job.output[0], patients_table([read_json(Path(manifest).parent / RECORD) for manifest in job.input]))
