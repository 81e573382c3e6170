"""Rule report_patient."""

from _here import job

from residua.inference.patient_files import write_patient
from residua.inference.patient_maps import PatientParts
from residua.publishing.publish import read_json, stage

own = job.input
made = PatientParts(
    probabilities=own.probabilities,
    masks=own.masks,
    members=own.members,
    resections=own.resections,
    brought_back=own.brought_back,
    quality=own.quality,
    brain=own.brain,
    images=job.params.images,
    before=job.params.before,
)
everyone = {each["patient"]: each for each in read_json(own.outcomes)}
outcome = everyone.pop(job.wildcards.patient)
with stage(job.output[0]) as part:
    write_patient(outcome, job.params.bundle, made, part, list(everyone))
