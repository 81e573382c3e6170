"""Rule train."""

from dataclasses import replace

from _here import job, on_card, say

from residua.bundle.start import Training, unpacked_start
from residua.networks.model_card import describe_training, model_card
from residua.networks.registry import settings_of, train_of
from residua.networks.selected import read_training_set
from residua.networks.training_data import data_beside
from residua.publishing.progress import show_progress
from residua.publishing.publish import digest, republished, stage, write_text
from residua.settings.machine import machine_of

arch, version, bundle = job.wildcards.arch, job.params.version, list(job.input.bundle)
settings, scratch = settings_of(arch).model_validate(job.params.settings), machine_of(job.config).local_scratch
resumes = describe_training(digest(job.input[0]), version, settings)
if not republished(job.output[0], resumes):
    data, files = read_training_set(job.input[0])
    training = Training(arch, job.wildcards.inputs, int(job.wildcards.fold), data.channels, settings)
    with (
        stage(job.output[0], resumes=resumes) as part,
        data_beside(data, files, part, scratch, say) as (near, watched),
        unpacked_start(bundle, training, part / "start") as start,
    ):
        train = on_card(train_of, arch)
        train(replace(near, start=start), settings, part, watched(show_progress("epoch", part / "progress.json")))
        patients = len(data.training), len(data.validation)
        write_text(part / "model_card.md", model_card(arch, data.channels, patients, version, settings))
