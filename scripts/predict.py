"""Rules predict (one model), ensemble (one per fold) and ensemble_lacking (the same, with some of the channels)."""

from pathlib import Path

from _here import job, on_card

from residua.networks.prediction import predict_cases
from residua.networks.registry import load_of
from residua.networks.selected import read_selected
from residua.publishing.progress import show_progress
from residua.publishing.publish import digest, stage, verified

models = [Path(manifest).parent for manifest in job.input.models if verified(manifest)]
resumes = "-".join([job.params.code, *(digest(path) for path in (job.input.cases, *job.input.models))])
with stage(job.output[0], resumes=resumes) as part:
    members = [folder.name for folder in models] if job.params.members else []
    cases = read_selected(job.input.cases, job.params.get("given"))
    predictor = on_card(load_of, job.wildcards.arch)(models)
    predict_cases(predictor, cases, part, show_progress("patient"), members, job.threads)
