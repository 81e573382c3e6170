"""Rule deface."""

from _here import job

from residua.importers.cut_faces import cut_faces
from residua.publishing.publish import read_json, stage

patient = read_json(job.input.patient)
with stage(job.output[0]) as part:
    cut_faces(patient["images"], patient["labels"], part)
