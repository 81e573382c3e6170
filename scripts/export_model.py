"""Rule export_model."""

from importlib import import_module

from _here import job

from residua.networks.exporting import Ensemble
from residua.publishing.publish import read_json, stage

ensemble = Ensemble.from_json(read_json(job.input[0]))
with stage(job.output[0], facts=ensemble.facts()) as part:
    import_module(job.params.module).export(ensemble, part)
